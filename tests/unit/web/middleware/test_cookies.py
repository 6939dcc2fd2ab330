"""The cookie of the login."""

from datetime import timedelta

import pytest

from portal.web.middleware.cookies import LoginCookie, digest, new_secret


def test_the_secret_is_long_random_and_only_its_digest_is_known_to_the_database() -> None:
    secret = new_secret()

    assert len(secret) == 43
    assert secret != new_secret()
    assert secret not in digest(secret)
    assert len(digest(secret)) == 64


@pytest.mark.parametrize(
    ("is_secure", "header"),
    [
        (True, "__Host-sealrun=S; HttpOnly; Max-Age=60; Path=/; SameSite=Lax; Secure"),
        (False, "sealrun=S; HttpOnly; Max-Age=60; Path=/; SameSite=Lax"),
    ],
)
def test_it_is_bound_to_host_and_path_and_hidden_from_scripts(is_secure: bool, header: str) -> None:
    assert LoginCookie(is_secure=is_secure).written("S", timedelta(minutes=1)) == header


@pytest.mark.parametrize("template", ["{name}={secret}", "a=b; {name}={secret}; c=d"])
def test_it_is_found_among_others(template: str) -> None:
    cookie, secret = LoginCookie(is_secure=True), new_secret()

    assert cookie.read(template.format(name=cookie.name, secret=secret)) == secret


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sealrun=" + "A" * 43,
        "__Host-sealrun=short",
        "__Host-sealrun=" + "A" * 42 + "'",
        "a",
        "=",
    ],
)
def test_anything_else_is_no_secret(header: str) -> None:
    assert LoginCookie(is_secure=True).read(header) is None
