"""Where providers put what the portal has one name for."""

from collections.abc import Mapping

ALIASES: Mapping[str, tuple[str, ...]] = {
    "affiliation": (
        "eduperson_scoped_affiliation", "eduPersonScopedAffiliation", "eduperson_affiliation",
        "eduPersonAffiliation", "voperson_external_affiliation", "voPersonExternalAffiliation",
        "affiliation",
    ),
    "entitlement": (
        "eduperson_entitlement", "eduPersonEntitlement", "entitlements", "entitlement",
    ),
    "group": (
        "groups", "group", "isMemberOf", "is_member_of", "roles", "realm_access.roles",
    ),
    "domain": (
        "schac_home_organization", "schacHomeOrganization", "hd", "domain",
    ),
    "identity_provider": (
        "idp", "identity_provider", "tid", "idp_name",
    ),
    "unique_id": (
        "eduperson_unique_id", "eduPersonUniqueId", "voperson_id", "voPersonID", "subject_id",
        "unique_id",
    ),
    "acr": ("acr",),
    "name": ("name",),
}  # fmt: skip
"""For each of the portal's own names the claims in which it may be."""

SCOPED = (
    *ALIASES["affiliation"], "subject_id", "eppn", "eduperson_principal_name",
    "eduPersonPrincipalName", "email",
)  # fmt: skip
"""What has the institution's domain after its ``@``; of e-mail addresses, those that were checked."""

MULTIVALUED = ("affiliation", "entitlement", "group", "domain")
"""Of these somebody has any number; of the others one, from the first place that has it."""

SEMICOLON_SEPARATED = frozenset(
    {place for name in ("affiliation", "entitlement", "group") for place in (name, *ALIASES[name])}
)
"""Claims in which ``;`` separates values. Elsewhere it is a letter, which a user name may have."""
