"""How a person stands to a challenge: what the permission predicates need to know."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.interfaces import ORMOption

from portal.db.queries.challenges import challenge_pages as queries
from portal.db.tables import Challenge, Membership, Organiser, Participation
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotAllowedError, NotFoundError
from portal.domain.permissions import ChallengeRelation, Role
from portal.domain.teams.membership_rules import ParticipationState, must_accept

RESTS = "This challenge is archived: nothing of it changes any more. Its owners can bring it back to closed first."
BANNED = "The organisers have banned you from this challenge. Its page for joining says why, and whom to ask."


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleChallenge:
    """A challenge that an actor may see, how they stand to it, and how they take part."""

    relation: ChallengeRelation
    found: queries.Found

    @property
    def challenge(self) -> Challenge:
        """The row itself."""
        return self.found.challenge

    @property
    def is_admitted(self) -> bool:
        """Whether the actor was let in, or may join without being: then whoever is logged in is a participant."""
        participation = self.found.participation
        is_out = participation is not None and participation.is_out
        return participation is ParticipationState.ADMITTED or (
            self.challenge.join_policy == "open" and not is_out
        )

    @property
    def must_join(self) -> bool:
        """Whether the actor has to be let in, or accept changed terms, before they can submit."""
        state = self.found.participation
        if state is not None and state.is_out:
            return True
        return self.challenge.join_policy != "open" and (
            self.found.participation is not ParticipationState.ADMITTED
            or must_accept(self.challenge.terms, self.found.terms_sha256)
        )


def find(session: Session, actor: Actor, slug: str, *options: ORMOption) -> VisibleChallenge:
    """Find a challenge that the actor may see; raise ``NotFoundError`` if there is none.

    One query, and one more for each list that ``options`` load apart.
    """
    found = queries.find(session, slug, actor.person_id, *options)
    if found is None:
        raise NotFoundError
    seen = relation(
        actor,
        found.challenge,
        role=found.role,
        takes_part=found.team_id is not None,
        participation=found.participation,
    )
    if not permissions.may_see_challenge(actor, seen):
        raise NotFoundError
    return VisibleChallenge(relation=seen, found=found)


def lock(session: Session, slug: str) -> Challenge:
    """Find a challenge, so that nobody else changes it meanwhile; who may do what is for the caller to check.

    Raises ``NotFoundError``.
    """
    challenge = session.scalar(select(Challenge).where(Challenge.slug == slug).with_for_update())
    if challenge is None:
        raise NotFoundError
    return challenge


def find_to_submit(session: Session, actor: Actor, slug: str, *, what: str) -> VisibleChallenge:
    """Find a challenge to which the actor may submit; raise ``NotFoundError``, or ``NotAllowedError`` naming ``what``."""
    visible = find(session, actor, slug)
    if not permissions.may_submit(actor, visible.relation):
        raise not_now(visible.relation, what)
    return visible


def not_now(relation: ChallengeRelation, what: str) -> NotAllowedError:
    """Return why somebody who sees a challenge may not do ``what`` there: over, banned, or not logged in."""
    if permissions.may_change(relation) and relation.is_open:
        if relation.banned:
            return NotAllowedError(BANNED, reason="banned")
        return NotAllowedError(f"Log in to {what}.")
    return over(relation)


def over(relation: ChallengeRelation) -> NotAllowedError:
    """Return why nobody takes part any more in a challenge that is closed or archived."""
    if not permissions.may_change(relation):
        return NotAllowedError(RESTS, reason="archived")
    return NotAllowedError("The organisers have closed this challenge.", reason="closed")


def check_may_change(relation: ChallengeRelation) -> None:
    """Refuse to change anything of an archived challenge. Raises ``NotAllowedError``."""
    if not permissions.may_change(relation):
        raise over(relation)


def relation_of(session: Session, challenge: Challenge, actor: Actor) -> ChallengeRelation:
    """Look up, for this actor only, whether they organise or take part. One query."""
    if not actor.is_known:
        return relation(actor, challenge, role=None, takes_part=False)
    role = select(Organiser.role).where(
        Organiser.challenge_id == challenge.id, Organiser.person_id == actor.person_id
    )
    takes_part = select(Membership.person_id).where(
        Membership.challenge_id == challenge.id, Membership.person_id == actor.person_id
    )
    state = select(Participation.state).where(
        Participation.challenge_id == challenge.id, Participation.person_id == actor.person_id
    )
    has_role, participant, participation = session.execute(
        select(role.scalar_subquery(), takes_part.scalar_subquery(), state.scalar_subquery())
    ).one()
    return relation(
        actor,
        challenge,
        role=has_role,
        takes_part=participant is not None,
        participation=participation,
    )


def relation(
    actor: Actor,
    challenge: Challenge,
    *,
    role: Role | None,
    takes_part: bool,
    participation: ParticipationState | None = None,
) -> ChallengeRelation:
    """Return how the actor stands to a challenge; other people do not matter to the answer."""
    me = singleton(actor)
    is_out = participation is not None and participation.is_out
    nobody: frozenset[str] = frozenset()
    return ChallengeRelation(
        published=challenge.state.is_public,
        is_open=challenge.state.is_open,
        rests=challenge.state.rests,
        owners=me if role is Role.OWNER else nobody,
        organisers=me if role is Role.ORGANISER else nobody,
        reviewers=me if role is Role.REVIEWER else nobody,
        participants=me if takes_part and not is_out else nobody,
        banned=me if participation is ParticipationState.BANNED else nobody,
    )


def singleton(actor: Actor) -> frozenset[str]:
    """Return the set of this one person, or of nobody."""
    return frozenset() if actor.person_id is None else frozenset({actor.person_id})
