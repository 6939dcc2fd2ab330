"""The portal's own names for claims, found wherever providers put them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.accounts.claim_aliases import normalize_claims
from portal.domain.accounts.claims import Identity, holds, missing, values
from portal.domain.accounts.provider_claims import ALIASES

CILOGON = {
    "sub": "http://cilogon.org/serverA/users/1",
    "idp": "https://idp.a.edu/shibboleth",
    "idp_name": "University of A",
    "affiliation": "member@a.edu;staff@a.edu",
    "eppn": "ada@a.edu",
    "voPersonExternalAffiliation": ["employee@a.edu"],
    "acr": "https://refeds.org/profile/mfa",
}
KEYCLOAK = {"sub": "1", "realm_access": {"roles": ["hpc", "offline_access"]}, "email": "ada@a.edu"}
SHIBBOLETH = {
    "sub": "PAIRWISE",
    "eduperson_scoped_affiliation": ["member@A.edu", "staff@A.edu"],
    "eduperson_entitlement": "urn:mace:a.edu:hpc;urn:mace:a.edu:gpu",
    "eduperson_unique_id": "28c5353b@a.edu",
    "schac_home_organization": "a.edu",
}
ENTRA = {"sub": "x", "oid": "11-22", "tid": "33-44", "groups": ["aaaa-bbbb"], "roles": ["Staff"]}
HUB = {"name": "ada", "groups": ["hpc"], "admin": True}


@pytest.mark.parametrize(
    ("raw", "own"),
    [
        pytest.param(
            CILOGON,
            {
                "affiliation": [
                    "employee@a.edu", "member@a.edu;staff@a.edu", "member@a.edu", "staff@a.edu",
                ],
                "domain": ["a.edu"],
                "identity_provider": "https://idp.a.edu/shibboleth",
                "acr": "https://refeds.org/profile/mfa",
            },
            id="cilogon",
        ),
        pytest.param(KEYCLOAK, {"group": ["hpc", "offline_access"]}, id="keycloak"),
        pytest.param(
            SHIBBOLETH,
            {
                "affiliation": ["member@A.edu", "staff@A.edu"],
                "entitlement": [
                    "urn:mace:a.edu:hpc;urn:mace:a.edu:gpu", "urn:mace:a.edu:hpc",
                    "urn:mace:a.edu:gpu",
                ],
                "domain": ["a.edu"],
                "unique_id": "28c5353b@a.edu",
            },
            id="shibboleth",
        ),
        pytest.param(
            ENTRA,
            {
                "group": ["aaaa-bbbb", "Staff"],
                "identity_provider": "33-44",
                "unique_id": "11-22@33-44",
            },
            id="entra",
        ),
        pytest.param(HUB, {"group": ["hpc"], "name": "ada"}, id="jupyterhub"),
    ],
)  # fmt: skip
def test_own_names_are_found_where_each_provider_puts_them(
    raw: dict[str, object], own: dict[str, object]
) -> None:
    claims = normalize_claims(raw, {})

    assert {name: claims[name] for name in ALIASES if name in claims} == own


def test_the_settings_say_where_to_look_and_nothing_else_counts_then() -> None:
    raw = {"groups": ["everybody"], "group": ["x"], "https://a.edu/teams": "hpc;gpu"}

    elsewhere = normalize_claims(raw, {"group": "https://a.edu/teams"})
    nowhere = normalize_claims(raw, {"group": "resource_access.portal.roles"})

    assert elsewhere["group"] == ["hpc;gpu", "hpc", "gpu"]
    assert "group" not in nowhere


@pytest.mark.parametrize(
    ("verified", "domains"), [(True, ["a.edu"]), (False, None), ("true", None), (None, None)]
)
def test_a_domain_comes_from_an_email_address_only_if_it_was_checked(
    verified: object, domains: list[str] | None
) -> None:
    claims = normalize_claims({"email": "ada@A.edu", "email_verified": verified}, {})

    assert claims.get("domain") == domains
    assert holds(claims, {"email": ("*@a.edu",)}) is (domains is not None)


@pytest.mark.parametrize(
    ("value", "wish", "expected"),
    [
        ("member@a.edu", "member@*", True),
        ("member@a.edu", "*@a.edu", True),
        ("member@A.EDU", "*@a.edu", True),
        ("member@A.EDU", "member@a.edu", True),
        ("Member@a.edu", "member@*", False),
        ("member@a.edu", "member", False),
        ("member", "member@*", False),
        ("member@a.edu.evil.org", "*@a.edu", False),
        ("member@evil.org@a.edu", "*@a.edu", False),
        ("member@b.a.edu", "*@a.edu", False),
        ("former-member@a.edu", "member@*", False),
        ("@a.edu", "*@a.edu", False),
        ("member@", "member@*", False),
        ("member@a.edu", "mem*@a.edu", False),
        ("member@a.edu", "member@*.edu", False),
        ("urn:x:1", "urn:x:*", False),
        ("*", "x", False),
        ("*@*", "staff@a.edu", False),
    ],
)
def test_a_pattern_stands_for_one_half_of_a_scoped_value(
    value: str, wish: str, expected: bool
) -> None:
    assert holds({"affiliation": [value]}, {"affiliation": (wish,)}) is expected


@pytest.mark.parametrize(
    ("claims", "name", "expected"),
    [
        ({"a.b": "whole", "a": {"b": "path"}}, "a.b", ("whole",)),
        ({"a": {"b": ["path"]}}, "a.b", ("path",)),
        ({"a": ["b"]}, "a.b", ()),
        ({"a": {"b": None}}, "a.b", ()),
        ({"a": True, "b": 3, "c": 1.5}, "a", ("true",)),
        ({"a": 3}, "a", ("3",)),
        ({"a": 1.5}, "a", ("1.5",)),
        ({"a": 10**30}, "a", ()),
        ({"a": float("nan")}, "a", ()),
        ({"preferred_username": "x;admin"}, "preferred_username", ("x;admin",)),
        ({"eduperson_entitlement": ["x;admin"]}, "eduperson_entitlement", ("x;admin",)),
        ({"a": [["x"]]}, "a", ()),
        ({"a": "  "}, "a", ()),
    ],
)
def test_values_are_texts(claims: dict[str, Any], name: str, expected: tuple[str, ...]) -> None:
    assert values(claims, name) == expected


def test_groups_that_entra_keeps_back_are_absent() -> None:
    raw = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "x"}}}

    assert "group" not in normalize_claims(raw, {})


def test_a_domain_has_no_case() -> None:
    assert holds(normalize_claims({"hd": "A.edu"}, {}), {"domain": ("a.EDU",)})


def test_an_identity_has_the_unique_id_and_the_acr_that_it_was_told() -> None:
    claims = normalize_claims({"eduperson_unique_id": "u@a.edu", "acr": ["mfa"]}, {})

    identity = Identity(issuer="i", subject="s", claims=claims)

    assert (identity.unique_id, identity.acr) == ("u@a.edu", "mfa")
    bare = Identity(issuer="i", subject="s", claims={})
    assert (bare.unique_id, bare.acr) == (None, "")


@pytest.mark.parametrize("odd", ["x" * 301, "a\x00b", "\ud800", "a\nb"])
def test_what_cannot_be_kept_whole_is_not_kept(odd: str) -> None:
    identity = Identity(issuer="i", subject="s", claims={"unique_id": odd, "acr": odd})

    assert (identity.unique_id, identity.acr) == (None, "")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)
KNOWN = st.sampled_from(
    sorted(
        {place for places in ALIASES.values() for place in places} | {"a", "a.b", "oid", "email"}
    )
)
CLAIMS = st.dictionaries(KNOWN | st.text(), JSON, max_size=8)
RULES = st.dictionaries(
    KNOWN | st.text(), st.lists(st.text(min_size=1), min_size=1).map(tuple), min_size=1, max_size=3
)
OVERRIDES = st.dictionaries(st.sampled_from(sorted(ALIASES)), st.text(min_size=1), max_size=3)


@given(raw=CLAIMS, places=OVERRIDES, rule=RULES)
def test_whatever_a_provider_says_is_either_held_or_missing(
    raw: dict[str, object], places: dict[str, str], rule: dict[str, tuple[str, ...]]
) -> None:
    claims = normalize_claims(raw, places)

    assert holds(claims, rule) is (missing(claims, rule) is None)
    json.dumps(Identity(issuer="i", subject="s", claims=claims).kept)
    for name in ALIASES:
        assert name not in claims or values(claims, name)


@given(raw=CLAIMS, name=KNOWN, wanted=st.lists(st.text(), min_size=1).map(tuple))
def test_an_absent_claim_holds_nothing(
    raw: dict[str, object], name: str, wanted: tuple[str, ...]
) -> None:
    absent = {name, name.partition(".")[0]}
    without = {key: value for key, value in raw.items() if key not in absent}

    assert not holds(without, {name: wanted})
    assert not holds({**without, name: None}, {name: wanted})


@given(rule=RULES)
def test_nobody_has_anything_where_nothing_was_said(rule: dict[str, tuple[str, ...]]) -> None:
    assert not holds(normalize_claims({}, {}), rule)


@given(value=st.text(min_size=1).filter(lambda text: "@" not in text and text == text.strip()))
def test_a_value_is_matched_whole(value: str) -> None:
    assert holds({"a": value}, {"a": (value,)})
    assert not holds({"a": f"{value}x"}, {"a": (value,)})
    assert not holds({"a": value}, {"a": (f"{value}x",)})
