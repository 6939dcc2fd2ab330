"""Deleting a person's data: the identity goes, the pseudonym and the leaderboards stay."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from portal.db.queries.accounts import people as queries
from portal.db.tables import (
    Account,
    ApiToken,
    AuditEntry,
    Base,
    Challenge,
    Invitation,
    LoginSession,
    MailChoice,
    Membership,
    Organiser,
    Participation,
    Person,
    Question,
    Submission,
    Team,
    TermsAcceptance,
)
from portal.domain.accounts.claims import clean_name
from portal.domain.accounts.people import Actor, ShownAs
from portal.domain.audit import Action, Subject
from portal.domain.challenges.questions import QuestionState
from portal.domain.errors import NotAllowedError, ParticipantError
from portal.domain.permissions import Role
from portal.services.audit import log as audit_log
from portal.services.submissions.questions import answers
from portal.services.teams import teams

DELETED = "Deleted by whoever asked."


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionPage:
    """What is shown before somebody decides."""

    name: str
    """What has to be typed."""
    pseudonym: str
    blocking_challenges: tuple[str, ...]
    """Titles of challenges that would be left without an owner."""


def deletion_page(session: Session, *, actor: Actor) -> DeletionPage:
    """Return what deleting the actor's data means now."""
    person = _person(session, actor)
    return DeletionPage(
        name=person.names.own,
        pseudonym=person.pseudonym,
        blocking_challenges=tuple(_owned_alone(session, person.id)),
    )


def delete_me(session: Session, *, actor: Actor, typed: str, now: datetime) -> None:
    """Delete what tells who the actor is, in one transaction. It cannot be taken back.

    Accounts, sessions, tokens, roles, accepted terms and what the person wrote go. What they submitted and its scores stay under the pseudonym, so that no rank changes; so do team mates' teams. From
    where they acted is erased by ``forget_origins``: the web process must not change the audit log.
    """
    person = _locked(session, actor)
    if not _is_typed(typed, person.names.own):
        raise ParticipantError("Type your name as it is shown here.", reason="typed")
    if blocking_challenges := _owned_alone(session, person.id):
        raise ParticipantError(
            f"You are the only owner of {', '.join(blocking_challenges)}. Make somebody else an owner first."
        )
    _forget_ways_in(session, person.id)
    _forget_words(session, person.id)
    person.name = person.pseudonym
    person.display_name = ""
    person.shown_as = ShownAs.PSEUDONYM
    person.is_staff = False
    person.deleted_at = now
    _rename_teams(session, person)
    # Without an origin: it would be the last trace of where the person was.
    nowhere = Actor(person_id=person.id, kind=actor.kind)
    audit_log.note(
        session,
        actor=nowhere,
        action=Action.PERSON_DELETED,
        subject=Subject(kind="person", id=person.id),
        now=now,
    )


def has_origins_to_forget(session: Session) -> bool:
    """Whether entries still say from where people acted who have deleted their data."""
    return session.scalar(queries.entries_with_origin_of_deleted().limit(1)) is not None


def forget_origins(session: Session) -> int:
    """Erase from where people acted who have deleted their data; return in how many entries.

    The chain of the audit log still holds.
    """
    erased = session.execute(
        update(AuditEntry)
        .where(AuditEntry.number.in_(queries.entries_with_origin_of_deleted()))
        .values(origin=None, origin_salt=None)
        .returning(AuditEntry.number)
        .execution_options(synchronize_session=False)
    ).all()
    return len(erased)


def _person(session: Session, actor: Actor) -> Person:
    if actor.person_id is None:
        raise NotAllowedError("Log in to see your account.")
    return session.get_one(Person, actor.person_id)


def _locked(session: Session, actor: Actor) -> Person:
    """Return the actor, when nobody else changes them or who owns their challenges."""
    person_id = _person(session, actor).id
    # Two owners could otherwise both go at the same moment.
    queries.lock_challenges_of(session, person_id)
    person = queries.locked(session, person_id)
    if person.deleted_at is not None:
        raise NotAllowedError("This has been done already.")
    return person


def _is_typed(typed: str, name: str) -> bool:
    # Keyboards write letters with accents in one piece, some providers in two.
    return unicodedata.normalize("NFC", clean_name(typed)) == unicodedata.normalize("NFC", name)


def _owned_alone(session: Session, person_id: str) -> list[str]:
    owners = (
        select(Organiser.challenge_id)
        .where(Organiser.role == Role.OWNER)
        .group_by(Organiser.challenge_id)
        .having(func.count() == 1)
    )
    return list(
        session.scalars(
            select(Challenge.title)
            .join(Organiser, Organiser.challenge_id == Challenge.id)
            .where(
                Organiser.person_id == person_id,
                Organiser.role == Role.OWNER,
                Challenge.id.in_(owners),
            )
            .order_by(Challenge.title)
        )
    )


def _forget_ways_in(session: Session, person_id: str) -> None:
    # Sessions first: they refer to the accounts.
    of_the_person: tuple[type[Base], ...] = (
        LoginSession,
        ApiToken,
        TermsAcceptance,
        MailChoice,
        Account,
    )
    for table in of_the_person:
        session.execute(delete(table).where(table.person_id == person_id))  # type: ignore[attr-defined]
    session.execute(delete(Invitation).where(Invitation.created_by == person_id))
    session.execute(delete(Organiser).where(Organiser.person_id == person_id))


def _forget_words(session: Session, person_id: str) -> None:
    session.execute(
        update(Participation)
        .where(Participation.person_id == person_id)
        .values(note="", reason="", contact="")
    )
    # What others read with its answer stays: nothing says who asked.
    session.execute(
        update(Question)
        .where(Question.asked_by == person_id, Question.state != QuestionState.ANSWERED)
        .values(title=DELETED, words=DELETED, answer="", note="")
    )
    session.execute(
        update(Submission)
        .where(Submission.person_id == person_id)
        .values(note="", filename="submission")
    )
    answers.erase_words(session, person_id)


def _rename_teams(session: Session, person: Person) -> None:
    """Give the pseudonym to teams named after the person, and to those in which nobody else is."""
    mine = select(Membership.team_id).where(Membership.person_id == person.id)
    alone = (
        select(Membership.team_id)
        .where(Membership.team_id.in_(mine))
        .group_by(Membership.team_id)
        .having(func.count() == 1)
    )
    session.execute(update(Team).where(Team.id.in_(alone)).values(named_after=person.id))
    session.flush()
    teams.follow_name(session, person)
