"""What is made of a provider's answer before anything is kept of it."""

import math

import pytest

from portal.domain.accounts.provider_defaults import LoginProfile
from portal.web.context import Provider
from portal.web.login.failures import LoginError
from portal.web.login.oidc import check_sender, code_of, identity_of

CAMPUS = Provider(
    id="campus",
    title="Campus",
    issuer="https://login.uni.example",
    client_id="sealrun",
    client_secret="not a secret",
    profile=LoginProfile.OIDC,
    claims={"group": "org.teams"},
)


def test_claims_inside_each_other_without_end_are_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(LoginError):
        identity_of(CAMPUS, "ada", {"odd": deep})
    while deep:
        # Freed one by one: C would free them one inside the other.
        deep = deep.pop()  # type: ignore[assignment]


def test_claims_are_kept_as_json_with_the_portals_own_names() -> None:
    said = {"odd": [math.inf, math.nan, 1], "none": None, "org": {"teams": "a;b"}, "groups": ["c"]}

    claims = identity_of(CAMPUS, "ada", said).claims

    assert claims == {
        "odd": [None, None, 1],
        "org": {"teams": "a;b"},
        "groups": ["c"],
        "group": ["a;b", "a", "b"],
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"error": "access_denied"}, "declined"),
        ({"error": "interaction_required"}, "declined"),
        ({"error": "unmet_authentication_requirements"}, "acr_missing"),
        ({"error": "server_error", "code": "x"}, "refused"),
        ({}, "answer_without_code"),
    ],
)
def test_an_answer_without_a_good_code_has_a_reason(answer: dict[str, str], reason: str) -> None:
    with pytest.raises(LoginError) as caught:
        code_of(answer)

    assert caught.value.reason == reason


def test_a_sender_is_compared_where_one_is_named_or_promised() -> None:
    check_sender({}, "https://a", names_itself=False)
    check_sender({"iss": "https://a"}, "https://a", names_itself=True)

    for answer, promised in (({}, True), ({"iss": "https://a/"}, False)):
        with pytest.raises(LoginError):
            check_sender(answer, "https://a", names_itself=promised)
