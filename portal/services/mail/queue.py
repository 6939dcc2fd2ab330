"""Putting mails into the queue, in the transaction of what they are about."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, union, update
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.tables import (
    Announcement,
    Mail,
    Membership,
    Organiser,
    Participation,
    Person,
    Question,
    RoleInvitation,
)
from portal.domain.challenges.questions import BUNDLED_FOR, MAIL_WINDOW, window_of
from portal.domain.ids import new_id
from portal.domain.mail.kinds import MailKind, MailState
from portal.domain.permissions import Role
from portal.domain.teams.membership_rules import ParticipationState

GIVEN_UP = "undelivered mail"
"""What the list of what needs a person calls mails that were given up, all together."""

ANSWERING = (Role.OWNER, Role.ORGANISER)
"""Who is informed of new questions."""
_DECISIONS = {
    ParticipationState.ADMITTED: MailKind.JOIN_ADMITTED,
    ParticipationState.DECLINED: MailKind.JOIN_DECLINED,
    ParticipationState.REMOVED: MailKind.JOIN_REMOVED,
    ParticipationState.BANNED: MailKind.JOIN_BANNED,
}


def announced(session: Session, row: Announcement, *, now: datetime) -> int:
    """Queue a mail to everybody who takes part in the challenge of a new announcement; return to how many.

    Who wants none is sorted out when it is sent: they may refuse it until then.
    """
    people = _who_take_part(session, row.challenge_id)
    queue_all(session, MailKind.ANNOUNCEMENT, row.id, row.challenge_id, people, now=now)
    return len(people)


def queue_all(
    session: Session,
    kind: MailKind,
    occasion: str,
    challenge_id: str,
    people: Sequence[str],
    *,
    now: datetime,
) -> None:
    """Queue one mail to each of some people, on an occasion that is new."""
    if people:
        session.execute(
            insert(Mail),
            [
                {
                    "id": new_id(now),
                    "kind": kind,
                    "occasion": occasion,
                    "person_id": person_id,
                    "challenge_id": challenge_id,
                    "queued_at": now,
                    "next_at": now,
                }
                for person_id in people
            ],
        )


def decided(session: Session, row: Participation, *, now: datetime) -> None:
    """Queue a mail that says what was decided about taking part. Idempotent."""
    mail = Mail(
        id=new_id(now),
        kind=_DECISIONS[row.state],
        occasion=f"{row.challenge_id}@{int(now.timestamp() * 1000)}",
        person_id=row.person_id,
        challenge_id=row.challenge_id,
        queued_at=now,
        next_at=now,
    )
    insert_if_absent(session, mail)


def invited(session: Session, row: RoleInvitation, *, now: datetime) -> None:
    """Queue the mail with the link of an invitation; it is its author's, and goes to the address in it. Idempotent."""
    mail = Mail(
        id=new_id(now),
        kind=MailKind.ROLE_INVITATION,
        occasion=row.id,
        person_id=row.invited_by,
        challenge_id=row.challenge_id,
        queued_at=now,
        next_at=now,
    )
    insert_if_absent(session, mail)


def answered(session: Session, row: Question, *, now: datetime) -> None:
    """Queue a mail to whoever asked, that there is an answer; one for each question. Idempotent."""
    _queue(session, MailKind.QUESTION_ANSWERED, row.id, row.asked_by, row.challenge_id, now, now)


def asked(session: Session, challenge_id: str, *, now: datetime) -> None:
    """Queue a mail to each organiser, that questions wait: one in a window of time, with all that came until it is sent.

    Where that of this window has been sent there is one in the next. Idempotent.
    """
    window = window_of(now)
    people = session.scalars(
        select(Organiser.person_id)
        .where(Organiser.challenge_id == challenge_id, Organiser.role.in_(ANSWERING))
        .order_by(Organiser.person_id)
    ).all()
    done = set(
        session.scalars(
            select(Mail.person_id).where(
                Mail.kind == MailKind.QUESTIONS_WAITING,
                Mail.occasion == _window(challenge_id, window),
                Mail.state != MailState.QUEUED,
            )
        )
    )
    for person_id in people:
        begins = window + MAIL_WINDOW if person_id in done else window
        _queue(
            session, MailKind.QUESTIONS_WAITING, _window(challenge_id, begins), person_id,
            challenge_id, now, max(begins, now + BUNDLED_FOR),
        )  # fmt: skip


def _window(challenge_id: str, begins: datetime) -> str:
    return f"{challenge_id}@{int(begins.timestamp())}"


def _queue(
    session: Session,
    kind: MailKind,
    occasion: str,
    person_id: str,
    challenge_id: str,
    now: datetime,
    at: datetime,
) -> None:
    insert_if_absent(
        session,
        Mail(
            id=new_id(now),
            kind=kind,
            occasion=occasion,
            person_id=person_id,
            challenge_id=challenge_id,
            queued_at=now,
            next_at=at,
        ),
    )


def try_again(session: Session, *, now: datetime) -> int:
    """Queue again what was given up, as staff want it; return how many mails there are."""
    found = session.execute(
        update(Mail)
        .where(Mail.state == MailState.FAILED)
        .values(
            state=MailState.QUEUED, tries=0, problem="", queued_at=now, next_at=now, done_at=None
        )
        .returning(Mail.id)
        .execution_options(synchronize_session=False)
    )
    return len(found.all())


def _who_take_part(session: Session, challenge_id: str) -> Sequence[str]:
    both = union(
        select(Membership.person_id).where(Membership.challenge_id == challenge_id),
        select(Participation.person_id).where(
            Participation.challenge_id == challenge_id,
            Participation.state == ParticipationState.ADMITTED,
        ),
    ).subquery()
    # Whoever is alone in a team stays in it when they are put out.
    put_out = select(Participation.person_id).where(
        Participation.challenge_id == challenge_id,
        Participation.state.in_([ParticipationState.REMOVED, ParticipationState.BANNED]),
    )
    return session.scalars(
        select(Person.id)
        .where(
            Person.id.in_(select(both.c.person_id)),
            Person.id.not_in(put_out),
            Person.blocked_at.is_(None),
            Person.deleted_at.is_(None),
        )
        .order_by(Person.id)
    ).all()
