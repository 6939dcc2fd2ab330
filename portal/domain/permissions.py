"""Who may do what. Every predicate of the portal is here, and the answer is no unless it says yes."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from portal.domain.people import Actor


class Audience(StrEnum):
    """For whom a leaderboard is."""

    PUBLIC = "public"
    PARTICIPANTS = "participants"
    ORGANISERS = "organisers"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an actor stands to one challenge."""

    published: bool
    organisers: Collection[str] = ()
    participants: Collection[str] = ()


def may_organise(actor: Actor, standing: Standing) -> bool:
    """Organisers of the challenge, and staff."""
    return actor.is_known and (actor.is_staff or actor.person_id in standing.organisers)


def may_see_challenge(actor: Actor, standing: Standing) -> bool:
    """Everybody once it is published; before that whoever organises it."""
    return standing.published or may_organise(actor, standing)


def may_submit(actor: Actor, standing: Standing) -> bool:
    """Whoever is logged in and sees the challenge."""
    return actor.is_known and may_see_challenge(actor, standing)


def may_see_submission(actor: Actor, standing: Standing, team: Collection[str]) -> bool:
    """Whoever is in the team that handed it in, and whoever organises the challenge."""
    return actor.is_known and (actor.person_id in team or may_organise(actor, standing))


def may_see_leaderboard(actor: Actor, standing: Standing, audience: Audience) -> bool:
    """As wide as the phase's audience, never wider than the challenge itself."""
    if may_organise(actor, standing):
        return True
    if not may_see_challenge(actor, standing):
        return False
    if audience is Audience.PARTICIPANTS:
        return actor.is_known and actor.person_id in standing.participants
    return audience is Audience.PUBLIC


def may_see_staff_pages(actor: Actor) -> bool:
    """Site staff."""
    return actor.is_known and actor.is_staff
