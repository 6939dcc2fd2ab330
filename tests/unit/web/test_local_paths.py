"""After the login, nobody lands on another site."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.web.local_paths import local_path


@pytest.mark.parametrize(
    "wish", ["/", "/challenges/digits?page=2&phase=dev", "/a#b", "/a:b", "/%2F%2Fevil.example"]
)
def test_an_own_address_is_kept(wish: str) -> None:
    assert local_path(wish) == wish


@pytest.mark.parametrize(
    "wish",
    [
        None, "", "a", "?a", "//evil.example", "///evil.example", "/\\evil.example",
        "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example",
        "/\n/evil.example", "\t//evil.example", " //evil.example", "/a\\b", "/\x00", "/" + "a" * 500,
    ],
)  # fmt: skip
def test_anything_else_becomes_the_first_page(wish: str | None) -> None:
    assert local_path(wish) == "/"


@given(st.text(alphabet="/\\.:?#@ \t\nae%", max_size=12))
def test_whatever_is_asked_for_the_answer_starts_with_one_slash(wish: str) -> None:
    answer = local_path(wish)

    assert answer.startswith("/")
    assert not answer.startswith(("//", "/\\", "/\t", "/\n"))
