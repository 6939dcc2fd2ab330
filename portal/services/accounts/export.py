"""Everything that the portal holds of one person, for that person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import inspect, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload, selectinload

from portal.db.queries.accounts import people as queries
from portal.db.tables import (
    Account,
    Announcement,
    ApiToken,
    AuditEntry,
    Base,
    Cancellation,
    Challenge,
    ChallengeRevision,
    Circular,
    DryRun,
    Evaluation,
    ExtraTries,
    Invitation,
    LoginSession,
    LogRelease,
    Mail,
    MailChoice,
    Membership,
    MergeRequest,
    Organiser,
    Participation,
    PastMembership,
    Person,
    PhaseAdmission,
    Pick,
    Question,
    RoleInvitation,
    Submission,
    SubmissionMark,
    Team,
    TermsAcceptance,
    Weights,
)
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.leaderboards import scores
from portal.services.audit import log as audit_log
from portal.services.leaderboards.boards import columns_of, visible_columns
from portal.services.submissions.disclosure import disclose, newest

LEFT_OUT = frozenset(
    {"secret_sha256", "token", "data", "id_token", "origin_salt", "previous_sha256", "shown"}
)
"""Columns that open something, that say nothing of the person, or that are shown in another way."""

OWN_WORDS = frozenset({"note", "title", "words", "address"})
"""Columns in which somebody wrote; they are theirs, and not of whoever decided about them."""

COVERED: Mapping[str, Sequence[InstrumentedAttribute[Any]]] = {
    "person": (Person.id,),
    "accounts": (Account.person_id,),
    "terms": (TermsAcceptance.person_id,),
    "sessions": (LoginSession.person_id,),
    "tokens": (ApiToken.person_id,),
    "roles": (Organiser.person_id, Organiser.added_by),
    "role_invitations": (RoleInvitation.invited_by, RoleInvitation.accepted_by),
    "questions": (Question.asked_by, Question.answered_by),
    "circulars": (Circular.made_by,),
    "announcements": (Announcement.made_by,),
    "challenge_revisions": (ChallengeRevision.made_by,),
    "dry_runs": (DryRun.started_by, DryRun.accepted_by),
    "participations": (Participation.person_id, Participation.decided_by),
    "memberships": (Membership.person_id,),
    "past_memberships": (PastMembership.person_id,),
    "teams_named_after_me": (Team.named_after,),
    "invitations": (Invitation.created_by,),
    "merge_requests": (MergeRequest.asked_by, MergeRequest.decided_by),
    "submissions": (Submission.person_id,),
    "weights": (Weights.person_id,),
    "cancellations": (Cancellation.asked_by,),
    "log_releases": (LogRelease.released_by,),
    "mails": (Mail.person_id,),
    "mail_choices": (MailChoice.person_id,),
    "extra_tries": (ExtraTries.given_by,),
    "phase_admissions": (PhaseAdmission.admitted_by,),
    "marks": (SubmissionMark.made_by,),
    "picks": (Pick.picked_by,),
    "audit_entries": (AuditEntry.actor_id,),
}
"""Every column that refers to people; the first of a table says whose row it is."""

NAMED: Mapping[str, tuple[str, InstrumentedAttribute[str], InstrumentedAttribute[str]]] = {
    "challenge_id": ("challenge", Challenge.id, Challenge.slug),
    "team_id": ("team", Team.id, Team.name),
    "from_team_id": ("from_team", Team.id, Team.name),
    "to_team_id": ("to_team", Team.id, Team.name),
}
"""What is said beside an id that people cannot read."""


def export(session: Session, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Return everything that the portal holds of the actor as plain JSON values.

    Scores are those that the person sees: rounded, without private columns that are not revealed.
    Nothing of it opens anything, and what other people wrote is not in it. The export is written
    down.
    """
    ids = queries.ids_of(session, str(actor.person_id))
    everything = {name: _rows(session, columns, ids) for name, columns in COVERED.items()}
    disclosed = _disclosed(session, ids[0], now)
    for row in everything["submissions"]:
        row.update(disclosed[row["id"]])
    _name(session, [row for rows in everything.values() for row in rows])
    audit_log.note(
        session,
        actor=actor,
        action=Action.DATA_EXPORTED,
        subject=Subject(kind="person", id=ids[0]),
        now=now,
    )
    return {"taken_at": now.isoformat(), **everything}


def _rows(
    session: Session, columns: Sequence[InstrumentedAttribute[Any]], ids: Sequence[str]
) -> list[dict[str, Any]]:
    table = columns[0].class_
    statement = select(table).where(or_(*(column.in_(ids) for column in columns)))
    rows = session.scalars(statement.order_by(*inspect(table).primary_key))
    return [_plain(row, is_own=getattr(row, columns[0].key) in ids) for row in rows]


def _plain(row: Base, *, is_own: bool) -> dict[str, Any]:
    left_out = LEFT_OUT if is_own else LEFT_OUT | OWN_WORDS
    return {
        column.key: _value(getattr(row, column.key))
        for column in row.__mapper__.column_attrs
        if column.key not in left_out
    }


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, StrEnum) else value


def _disclosed(session: Session, person_id: str, now: datetime) -> dict[str, dict[str, Any]]:
    """Return what a person is shown of each of their submissions, by its id."""
    rows = session.scalars(
        select(Submission)
        .where(Submission.person_id == person_id)
        .options(
            joinedload(Submission.challenge),
            joinedload(Submission.phase),
            selectinload(Submission.marks),
            selectinload(Submission.evaluations).joinedload(Evaluation.result),
        )
    ).all()
    columns = {
        challenge.id: visible_columns(columns_of(session, challenge), now=now, may_review=False)
        for challenge in {row.challenge for row in rows}
    }
    return {
        row.id: {
            "phase": row.phase.slug,
            # Why, others wrote: it is on the submission's page.
            "marks": [str(one.mark) for one in row.marks],
            "evaluations": [
                _evaluation(row, evaluation, columns[row.challenge_id])
                for evaluation in newest(row.evaluations)
            ],
        }
        for row in rows
    }


def _evaluation(
    row: Submission, evaluation: Evaluation, columns: Sequence[scores.Column]
) -> dict[str, Any]:
    disclosed = disclose(row, evaluation, columns, may_review=False)
    return {
        "state": str(disclosed.state),
        "reason": _value(disclosed.reason),
        "message": disclosed.message,
        "scores": disclosed.scores,
    }


def _name(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    for key, (word, ident, name) in NAMED.items():
        wanted = {row[key] for row in rows if row.get(key)}
        statement = select(ident, name).where(ident.in_(wanted))
        names = dict(session.execute(statement).all())
        for row in rows:
            if row.get(key):
                row[word] = names[row[key]]
