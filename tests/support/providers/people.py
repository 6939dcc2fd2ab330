"""Who has an account at the providers of the tests."""

from collections.abc import Mapping
from dataclasses import dataclass

PASSWORD = "correct horse battery staple"
MFA = "https://refeds.org/profile/mfa"
ORDINARY = "https://refeds.org/profile/sfa"
"""What a login is worth by default: one factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """What the provider says of somebody, and whether they can use a second factor."""

    claims: Mapping[str, object]
    mfa: bool = False
    groups: tuple[str, ...] = ()
    """At a provider that knows groups instead of claims."""


USERS: Mapping[str, User] = {
    "ada": User(
        claims={
            "name": "Ada Vlasák",
            "email": "ada@nordholm.example",
            "email_verified": True,
            "eduperson_entitlement": ["urn:example:hpc"],
            "eduperson_scoped_affiliation": ["member@nordholm.example", "staff@nordholm.example"],
            "eduperson_unique_id": "a1b2c3@nordholm.example",
        },
        mfa=True,
        groups=("hpc",),
    ),
    "grace": User(
        claims={
            "preferred_username": "grace.okafor",
            "email": "grace@nordholm.example",
            "email_verified": False,
            "eduperson_scoped_affiliation": ["student@nordholm.example"],
        }
    ),
    "staff": User(
        claims={
            "name": "Site Staff",
            "email": "staff@nordholm.example",
            "email_verified": True,
            "eduperson_entitlement": ["urn:example:sealrun-staff"],
        },
        mfa=True,
        groups=("hpc", "sealrun-staff"),
    ),
    "mallory": User(claims={"name": "<script>alert('name')</script>"}),
    "bare": User(claims={}),
}
