"""Browsers are named as their owners know them."""

import pytest

from portal.web.rendering.user_agents import agent_in_words

MOZILLA = "Mozilla/5.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (f"{MOZILLA} (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (f"{MOZILLA} (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36",
         "Chrome on Windows"),
        (f"{MOZILLA} (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0 Safari/537.36 Edg/131.0",
         "Edge on Windows"),
        (f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.1 Safari/605.1.15",
         "Safari on macOS"),
        (f"{MOZILLA} (iPhone; CPU iPhone OS 18_1 like Mac OS X) {APPLE} Version/18.1 Safari/604.1",
         "Safari on iPhone"),
        (f"{MOZILLA} (iPad; CPU OS 18_1 like Mac OS X) {APPLE} CriOS/131.0 Safari/604.1",
         "Chrome on iPad"),
        (f"{MOZILLA} (Linux; Android 10; K) {WEBKIT} Chrome/131.0 Mobile Safari/537.36",
         "Chrome on Android"),
        (f"{MOZILLA} (Linux; Android 14) {WEBKIT} SamsungBrowser/26.0 Chrome/122.0 Safari/537.36",
         "Samsung Internet on Android"),
        (f"{MOZILLA} (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/131.0 Safari/537.36",
         "Chrome on ChromeOS"),
        (f"{MOZILLA} (X11; Linux x86_64) {WEBKIT} Chrome/131.0 Safari/537.36 OPR/115.0",
         "Opera on Linux"),
        ("curl/8.14.1", "curl"),
    ],
)  # fmt: skip
def test_a_known_browser_is_named_with_its_system(agent: str, words: str) -> None:
    assert agent_in_words(agent) == words


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("", "Unknown browser"),
        ("w3m/0.5.3", "w3m/0.5.3"),
        ("x" * 300, "x" * 60),
    ],
)
def test_an_unknown_one_is_called_what_it_calls_itself(agent: str, words: str) -> None:
    assert agent_in_words(agent) == words
