"""What is known of the kinds of identity providers: which scopes to ask for, and how they speak."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class LoginProfile(StrEnum):
    """What is on the other side."""

    OIDC = "oidc"
    KEYCLOAK = "keycloak"
    CILOGON = "cilogon"
    SHIBBOLETH = "shibboleth"
    ENTRA = "entra"
    JUPYTERHUB = "jupyterhub"

    @property
    def is_openid(self) -> bool:
        """Whether it speaks OpenID Connect; JupyterHub speaks OAuth 2.0 only."""
        return self is not LoginProfile.JUPYTERHUB


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDefaults:
    """How a kind of provider speaks."""

    scopes: tuple[str, ...]
    """What to ask for in any case."""
    needs_userinfo: bool = False
    """Whether claims are in the user info only: a provider without it cannot be used."""


PROVIDER_DEFAULTS: Mapping[LoginProfile, ProviderDefaults] = {
    LoginProfile.OIDC: ProviderDefaults(scopes=("openid", "profile")),
    LoginProfile.KEYCLOAK: ProviderDefaults(scopes=("openid", "profile")),
    LoginProfile.CILOGON: ProviderDefaults(
        scopes=("openid", "profile", "email", "org.cilogon.userinfo"), needs_userinfo=True
    ),
    LoginProfile.SHIBBOLETH: ProviderDefaults(scopes=("openid", "profile"), needs_userinfo=True),
    LoginProfile.ENTRA: ProviderDefaults(scopes=("openid", "profile")),
    LoginProfile.JUPYTERHUB: ProviderDefaults(scopes=()),
}
"""Claims themselves are looked for in the same places everywhere: ``provider_claims.py`` lists them."""


def scopes_of(profile: LoginProfile, more: tuple[str, ...]) -> str:
    """Return the scopes to ask for, as they stand in a request."""
    return " ".join(dict.fromkeys((*PROVIDER_DEFAULTS[profile].scopes, *more)))
