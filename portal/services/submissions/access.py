"""Submissions that an actor may see or change: looked up in one place, with the actor's relation to the challenge."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.db.queries.submissions import submission_pages as queries
from portal.db.tables import Submission
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotFoundError
from portal.domain.permissions import ChallengeRelation
from portal.services.challenges import access

Predicate = Callable[[Actor, ChallengeRelation, Collection[str]], bool]
"""Says yes or no of an actor, their relation to the challenge, and the members of the team among whom they may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleSubmission:
    """A submission with all that its page needs but the jobs, and what the actor is to it."""

    submission: Submission
    relation: ChallengeRelation
    same_as: str | None
    """The first submission of the same file by the same team in the phase, where that is another."""
    team: frozenset[str]
    """The actor, if they are in its team: other members do not matter to any predicate."""

    @property
    def in_team(self) -> bool:
        """Whether the actor is in its team."""
        return bool(self.team)


def find(session: Session, actor: Actor, submission_id: str, may: Predicate) -> VisibleSubmission:
    """Find a submission of which the predicate says yes; raise ``NotFoundError`` if there is none. Three queries."""
    found = queries.find(session, submission_id, str(actor.person_id))
    if found is None:
        raise NotFoundError
    relation = access.relation(
        actor, found.submission.challenge, role=found.role, takes_part=found.in_team
    )
    team = access.singleton(actor) if found.in_team else frozenset()
    if not may(actor, relation, team):
        raise NotFoundError
    return VisibleSubmission(
        submission=found.submission,
        relation=relation,
        same_as=found.same_as,
        team=team,
    )


def by_challenge(may: Callable[[Actor, ChallengeRelation], bool]) -> Predicate:
    """Make a predicate about a challenge one about its submissions."""
    return lambda actor, relation, _team: may(actor, relation)
