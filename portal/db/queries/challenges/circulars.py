"""Whom a circular is for, and how far its mails are."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union
from sqlalchemy.orm import Session, joinedload

from portal.db.tables import (
    NOT_A_RERUN,
    Circular,
    Evaluation,
    Mail,
    Membership,
    Participation,
    Person,
    Phase,
    Submission,
)
from portal.domain.challenges.circulars import Recipients
from portal.domain.evaluations.states import EvaluationState
from portal.domain.mail.kinds import MailKind, MailState
from portal.domain.submissions.disclosure import AFTER_DATA, Failures
from portal.domain.teams.membership_rules import ParticipationState

_IN = (ParticipationState.ADMITTED,)


def people(
    session: Session, challenge_id: str, recipients: Recipients, phase_id: str | None
) -> Sequence[str]:
    """List the account numbers of those whom a circular is for, in their order. One query."""
    if recipients is Recipients.ASKED:
        meant: Select[str] = select(Participation.person_id).where(
            Participation.challenge_id == challenge_id,
            Participation.state == ParticipationState.ASKED,
        )
        conditions: list[ColumnElement[bool]] = [Person.id.in_(meant)]
    else:
        conditions = _who_take_part(challenge_id)
        members = select(Membership.person_id).where(
            Membership.challenge_id == challenge_id,
            Membership.team_id.in_(_teams(challenge_id, recipients, phase_id)),
        )
        if recipients is Recipients.NO_SUBMISSION:
            conditions.append(Person.id.not_in(members))
        elif recipients is not Recipients.ALL:
            conditions.append(Person.id.in_(members))
    return session.scalars(
        select(Person.id)
        .where(*conditions, Person.blocked_at.is_(None), Person.deleted_at.is_(None))
        .order_by(Person.id)
    ).all()


def progress(
    session: Session, circular_ids: Sequence[str]
) -> Mapping[str, Mapping[MailState, int]]:
    """Count the mails of circulars by how far they are; those of long ago are forgotten. One query."""
    found: dict[str, dict[MailState, int]] = {one: {} for one in circular_ids}
    rows = session.execute(
        select(Mail.occasion, Mail.state, func.count())
        .where(Mail.kind == MailKind.CIRCULAR, Mail.occasion.in_(circular_ids))
        .group_by(Mail.occasion, Mail.state)
    )
    for occasion, state, number in rows:
        found[occasion][state] = number
    return found


def page_of(
    session: Session, challenge_id: str, *, offset: int, size: int
) -> Sequence[tuple[Circular, int]]:
    """List the circulars of a challenge, the newest first, with how many there are. One query."""
    rows = session.execute(
        select(Circular, func.count().over())
        .where(Circular.challenge_id == challenge_id)
        .options(joinedload(Circular.author))
        .order_by(Circular.made_at.desc(), Circular.id.desc())
        .offset(offset)
        .limit(size)
    )
    return [(row, total) for row, total in rows]


def _who_take_part(challenge_id: str) -> list[ColumnElement[bool]]:
    admitted = select(Participation.person_id).where(
        Participation.challenge_id == challenge_id, Participation.state.in_(_IN)
    )
    members = select(Membership.person_id).where(Membership.challenge_id == challenge_id)
    others = select(Participation.person_id).where(
        Participation.challenge_id == challenge_id, Participation.state.not_in(_IN)
    )
    both = union(admitted, members).subquery()
    return [Person.id.in_(select(both.c.person_id)), Person.id.not_in(others)]


def _teams(challenge_id: str, recipients: Recipients, phase_id: str | None) -> Select[str]:
    """Select the teams that have submitted something, or something that failed or was scored as they are shown it."""
    statement = select(Submission.team_id).where(
        Submission.challenge_id == challenge_id, Submission.is_smoke.is_(False)
    )
    if phase_id is not None:
        statement = statement.where(Submission.phase_id == phase_id)
    if recipients not in {Recipients.FAILED, Recipients.SCORED}:
        return statement
    statement = statement.join(Evaluation, Evaluation.submission_id == Submission.id).where(
        NOT_A_RERUN
    )
    if recipients is Recipients.SCORED:
        return statement.where(Evaluation.state == EvaluationState.SCORED)
    # What staff look into has failed to a team in a sealed phase: who gets the mail must not tell the two apart.
    looks_failed = and_(
        Evaluation.state == EvaluationState.HELD,
        Evaluation.reason.in_(AFTER_DATA),
        Phase.failures == Failures.SEALED,
    )
    return statement.join(Phase, Phase.id == Submission.phase_id).where(
        or_(Evaluation.state == EvaluationState.FAILED, looks_failed)
    )
