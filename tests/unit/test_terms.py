"""The product speaks in standard terms: words that its dictionary has replaced do not come back."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("portal", "scheduler", "containers", "site_config")
PAGES = (*CODE, "docs", "README.md", "CONTRIBUTING.md")
SUFFIXES = {".py", ".html", ".sh", ".css", ".md"}
NOT_LOOKED_AT = (
    "portal/db/migrations/versions/",
    # Their titles are those of tests.
    "docs/security/attacks.md",
    "docs/reference/faults.md",
)
OLD_WORDS = {
    r"\b_?MOST_\w+": "MAX_, with the unit",
    r"\b_?LONGEST_\w+": "MAX_, with the unit",
    r"\bpatience\b": "timeout",
    r"\bmanieth\b": "position",
    r"\btold\b": "shown, disclosed, informed",
    r"\bcame to (?!be\b)": "gave, ended as, ran on",
    r"\b(?:take|takes|taken|took|taking) (?:it |them )?in\b(?! (?:a|its|their)\b)": "ingest, import, store",
    r"\btake_?in\b": "ingest",
    r"\b(?:hand|hands|handed|handing)[ _](?:it |them |this )?in\b": "submit",
    r"\bno more\b(?! than| people| and no|\")": "no longer",
    r"\bafresh\b": "force_reauthentication, again",
    r"\bhindrances?\b": "blocking limit",
    r"\b(?:lets?|let) (?:you|somebody|them|this person) in no\b": "block",
}
"""Patterns, whatever their case where they have no capitals, and what is said in their place."""


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Read what is looked at once for all words; by its place in the checkout."""
    found = []
    for name in PAGES:
        place = ROOT / name
        files = [place] if place.is_file() else place.rglob("*")
        found += [file for file in files if file.suffix in SUFFIXES]
    return {
        place: file.read_text("utf-8")
        for file in found
        if not (place := str(file.relative_to(ROOT))).startswith(NOT_LOOKED_AT)
    }


@pytest.mark.parametrize(("old", "new"), OLD_WORDS.items(), ids=[*OLD_WORDS.values()])
def test_old_words_do_not_come_back(texts: dict[str, str], old: str, new: str) -> None:
    flags = re.NOFLAG if any(letter.isupper() for letter in old) else re.IGNORECASE
    pattern = re.compile(old, flags)

    found = [
        f"{place}:{number}: {match[0]!r} is now {new}"
        for place, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(line)
    ]

    assert found == []


def test_exceptions_end_in_error(texts: dict[str, str]) -> None:
    assert [place for place, text in texts.items() if "noqa: N818" in text] == []
