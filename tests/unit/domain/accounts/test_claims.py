"""What a site makes of what a provider says."""

import pytest

from portal.domain.accounts.claims import Identity, clean_name, holds


@pytest.mark.parametrize(
    ("claims", "rule", "expected"),
    [
        ({"a": "x"}, {"a": ("x",)}, True),
        ({"a": ["w", "x"]}, {"a": ("x",)}, True),
        ({"a": "x"}, {"a": ("w", "x")}, True),
        ({"a": "x"}, {"a": ("x",), "b": ("y",)}, False),
        ({"a": "x", "b": ["y"]}, {"a": ("x",), "b": ("y",)}, True),
        ({}, {"a": ("x",)}, False),
        ({"a": None}, {"a": ("None",)}, False),
        ({"a": "xyz"}, {"a": ("x",)}, False),
        ({"a": {"x": 1}}, {"a": ("x",)}, False),
        ({"a": ""}, {"a": ("x",)}, False),
        ({"a": "x"}, {}, False),
    ],
)
def test_a_rule_holds_only_if_every_claim_has_one_of_its_values(
    claims: dict[str, object], rule: dict[str, tuple[str, ...]], expected: bool
) -> None:
    assert holds(claims, rule) is expected


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Ada Vlasák", "preferred_username": "ada"}, "Ada Vlasák"),
        ({"preferred_username": "ada"}, "ada"),
        ({"name": " \n ", "preferred_username": "ada"}, "ada"),
        ({"name": ["Ada"]}, "sub-1"),
        ({}, "sub-1"),
    ],
)
def test_a_person_is_called_what_the_provider_says(claims: dict[str, object], name: str) -> None:
    assert Identity(issuer="i", subject="sub-1", claims=claims).name == name


def test_somebody_without_any_readable_name_has_one() -> None:
    assert Identity(issuer="i", subject="\x00", claims={}).name == "Unnamed"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Ada\u202e\u2066 Vlas\x00ák", "Ada Vlas ák"),
        ("a\n\tb", "a b"),
        ("n" * 500, "n" * 120),
        (7, ""),
        (None, ""),
    ],
)
def test_a_name_cannot_redraw_the_page(raw: object, clean: str) -> None:
    assert clean_name(raw) == clean


def test_what_only_concerns_the_token_is_not_kept() -> None:
    claims = {"sub": "s", "name": "n", "nonce": "x", "exp": 1, "groups": ["g"]}

    kept = Identity(issuer="i", subject="s", claims=claims).kept

    assert kept == {"sub": "s", "name": "n", "groups": ["g"]}
