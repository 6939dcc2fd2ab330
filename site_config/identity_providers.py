"""What a sysadmin sets for each institution's login."""

from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from site_config.fields import HttpUrl, Identifier, Section, SitePath, Title
from site_config.gates import Claims, Gate, Gates
from site_config.units import Duration

OWN_NAMES = (
    "affiliation", "entitlement", "group", "domain", "identity_provider", "unique_id", "acr", "name",
)  # fmt: skip
"""What the portal calls claims that each provider calls otherwise."""

ANYBODYS_TENANT = ("common", "organizations", "consumers")
"""What stands for all tenants of Microsoft Entra at once."""


class Provider(Section):
    """One institution's login."""

    id: Identifier = Field(description="Short name, part of the redirect address.")
    title: Title = Field(description="What the login button says.")
    profile: Literal["oidc", "keycloak", "cilogon", "shibboleth", "entra", "jupyterhub"] = Field(
        default="oidc",
        description=(
            "What is on the other side: it sets scopes and where claims are found. `jupyterhub` is"
            " OAuth 2.0; all others are OpenID Connect."
        ),
    )
    issuer: HttpUrl = Field(
        description="Issuer, exactly as the provider announces it; for `jupyterhub` the hub's address."
    )
    client_id: Title = Field(description="The portal's name at the provider.")
    client_secret_file: SitePath = Field(
        description="File that holds the client secret; others must not be able to read it."
    )
    scopes: tuple[Title, ...] = Field(
        default=(), description="Scopes to ask for in addition to those of the profile."
    )
    claims: dict[Title, Title] = Field(
        default={},
        description=(
            "Where the provider keeps what the portal calls `affiliation`, `entitlement`, `group`,"
            " `domain`, `identity_provider`, `unique_id`, `acr` or `name`, if it is elsewhere than"
            " usual: a claim, or a path such as `realm_access.roles`. It is then looked for there only."
        ),
    )
    require: Gates = Field(
        default=(), description="Claims without which nobody may log in; all of them count."
    )
    staff: Claims = Field(
        default={}, description="Claims that make an account staff; all of them count."
    )
    clock_skew: Duration = Field(
        default=timedelta(seconds=60),
        description="How far the provider's clock may be from this machine's.",
    )
    logout: bool = Field(
        default=True,
        description="Whether logging out here also goes to the provider's logout, if it has one.",
    )

    @field_validator("id")
    @classmethod
    def _is_no_address(cls, name: str) -> str:
        if name == "remove":
            raise ValueError("must be another word: an address of the portal has this one")
        return name

    @field_validator("issuer")
    @classmethod
    def _is_one_tenant(cls, issuer: str, info: ValidationInfo) -> str:
        tenant = urlsplit(issuer).path.strip("/").partition("/")[0].lower()
        if info.data.get("profile") == "entra" and tenant in ("", *ANYBODYS_TENANT):
            raise ValueError(
                "must name your tenant, as in https://login.microsoftonline.com/TENANT-ID/v2.0:"
                " otherwise everybody with any Microsoft account could log in"
            )
        return issuer

    @field_validator("client_id")
    @classmethod
    def _is_a_service(cls, client_id: str, info: ValidationInfo) -> str:
        if info.data.get("profile") == "jupyterhub" and not client_id.startswith("service-"):
            raise ValueError("must begin with 'service-', as JupyterHub asks of its services")
        return client_id

    @field_validator("claims")
    @classmethod
    def _are_known(cls, claims: dict[str, str]) -> dict[str, str]:
        for name in claims:
            if name not in OWN_NAMES:
                raise ValueError(f"'{name}' is none of {', '.join(OWN_NAMES)}")
        return claims

    @field_validator("require")
    @classmethod
    def _can_be_met(cls, gates: tuple[Gate, ...], info: ValidationInfo) -> tuple[Gate, ...]:
        if info.data.get("profile") == "jupyterhub" and any("acr" in gate.claims for gate in gates):
            raise ValueError(
                "must not ask for 'acr': a JupyterHub does not say how it logs people in"
            )
        return gates
