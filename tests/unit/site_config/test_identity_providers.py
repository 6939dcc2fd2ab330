"""What is wrong with a login is said where it is written."""

import pytest
from pydantic import ValidationError

from portal.domain.accounts.provider_claims import ALIASES
from portal.domain.accounts.provider_defaults import PROVIDER_DEFAULTS, LoginProfile, scopes_of
from site_config.identity_providers import OWN_NAMES, Provider

USUAL = {
    "id": "campus",
    "title": "Campus",
    "issuer": "https://login.uni.example",
    "client_id": "sealrun",
    "client_secret_file": "secret",
}
ENTRA = "https://login.microsoftonline.com"


@pytest.mark.parametrize(
    ("changes", "place", "says"),
    [
        ({"id": "remove"}, "id", "an address of the portal has this one"),
        ({"profile": "entra", "issuer": f"{ENTRA}/common/v2.0"}, "issuer", "your tenant"),
        ({"profile": "entra", "issuer": f"{ENTRA}/Organizations/v2.0"}, "issuer", "your tenant"),
        ({"profile": "entra", "issuer": f"{ENTRA}/consumers/v2.0"}, "issuer", "your tenant"),
        ({"profile": "entra", "issuer": ENTRA}, "issuer", "your tenant"),
        ({"profile": "jupyterhub"}, "client_id", "must begin with 'service-'"),
        (
            {"profile": "jupyterhub", "client_id": "service-x", "require": {"acr": "mfa"}},
            "require",
            "does not say how it logs people in",
        ),
        ({"claims": {"affilation": "x"}}, "claims", "'affilation' is none of affiliation, "),
        ({"require": {"affiliation": "mem*@a.edu"}}, "require", "'*' stands only for a whole half"),
        ({"staff": {"group": ["a", "*"]}}, "staff", "'*' stands only for a whole half"),
        ({"staff": {"group": [True]}}, "staff", "or a list of values"),
    ],
)
def test_a_login_that_cannot_be_right_is_refused(
    changes: dict[str, object], place: str, says: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Provider.model_validate(USUAL | changes)

    [problem] = caught.value.errors()
    assert problem["loc"][0] == place
    assert says in problem["msg"]


def test_a_login_may_use_patterns_and_places_of_its_own() -> None:
    provider = Provider.model_validate(
        USUAL
        | {
            "profile": "entra",
            "issuer": f"{ENTRA}/8eaef023/v2.0",
            "claims": {"group": "resource_access.portal.roles"},
            "staff": {"affiliation": ["member@*", "*@uni.example"]},
        }
    )

    assert provider.staff == {"affiliation": ("member@*", "*@uni.example")}


def test_the_settings_know_the_portals_own_names_and_profiles() -> None:
    assert set(OWN_NAMES) == set(ALIASES)
    for profile in LoginProfile:
        Provider.model_validate(
            USUAL
            | {"profile": profile, "client_id": "service-sealrun", "issuer": f"{ENTRA}/1/v2.0"}
        )
    assert set(PROVIDER_DEFAULTS) == set(LoginProfile)


@pytest.mark.parametrize(
    ("profile", "scopes"),
    [
        (LoginProfile.OIDC, "openid profile email"),
        (LoginProfile.CILOGON, "openid profile email org.cilogon.userinfo"),
        (LoginProfile.JUPYTERHUB, "email"),
    ],
)
def test_scopes_are_those_of_the_profile_and_of_the_settings(
    profile: LoginProfile, scopes: str
) -> None:
    assert scopes_of(profile, ("email",)) == scopes
