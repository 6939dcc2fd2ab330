"""Who acts, and what other people see of somebody."""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from portal.domain.accounts.tokens import ALL_SCOPES, Scope

MAX_NAME_CHARS = 60
"""Letters of a name that somebody chooses."""


class ActorKind(StrEnum):
    """By what way somebody acts."""

    VISITOR = "visitor"
    BROWSER = "browser"
    TOKEN = "token"  # noqa: S105 - a word
    OPERATOR = "operator"
    """Whoever may run the ``sealrun`` command on the portal's machine."""
    PORTAL = "portal"
    """The portal by itself, as its settings say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person on whose behalf something happens; ``person_id`` is None for a visitor."""

    person_id: str | None = None
    name: str = ""
    is_staff: bool = False
    kind: ActorKind = ActorKind.BROWSER
    scopes: frozenset[Scope] = ALL_SCOPES
    has_accepted: bool = True
    """Whether they have accepted the site's terms as they are now."""
    account: tuple[str, str] | None = None
    """Issuer and subject that this login came with."""
    acr: str = ""
    """How this login was made sure of, as the provider says: the claim ``acr``."""
    origin: str = ""
    """From where: a network address, or the account of an operator. For the audit log only."""

    @property
    def is_known(self) -> bool:
        """Whether somebody is logged in."""
        return self.person_id is not None


VISITOR = Actor(kind=ActorKind.VISITOR)
PORTAL = Actor(kind=ActorKind.PORTAL, origin="worker")


def operator(account: str) -> Actor:
    """Return whoever runs a command on the portal's machine, by the name of their account there."""
    return Actor(kind=ActorKind.OPERATOR, origin=f"command line, account {account}")


class ShownAs(StrEnum):
    """Under which name the public sees somebody."""

    NAME = "name"
    PSEUDONYM = "pseudonym"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of one person."""

    name: str
    """As the institution gives it."""
    display_name: str
    """As the person wants to be called; empty: as the institution says."""
    pseudonym: str
    shown_as: ShownAs

    @property
    def own(self) -> str:
        """Return what to call the person among those who know them: team mates and organisers."""
        return self.display_name or self.name

    @property
    def public(self) -> str:
        """Return what leaderboards call the person."""
        return self.pseudonym if self.shown_as is ShownAs.PSEUDONYM else self.own


_QUALITIES = ("Brave", "Calm", "Clever", "Curious", "Eager", "Gentle", "Honest", "Jolly", "Keen",
              "Lively", "Merry", "Noble", "Patient", "Quick", "Quiet", "Steady", "Sunny", "Wise")  # fmt: skip
_ANIMALS = ("Badger", "Crane", "Dolphin", "Falcon", "Fox", "Gecko", "Hare", "Heron", "Ibex",
            "Kestrel", "Lynx", "Marten", "Newt", "Otter", "Owl", "Puffin", "Seal", "Stoat")  # fmt: skip


def new_pseudonym() -> str:
    """Return a name that says nothing of anybody, such as ``Quiet Heron 48213``."""
    number = 10_000 + secrets.randbelow(90_000)
    return f"{secrets.choice(_QUALITIES)} {secrets.choice(_ANIMALS)} {number}"
