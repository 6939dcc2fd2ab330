"""A mail's way from the queue to a server: claimed, sent by the worker, recorded.

A claim is written before anything is sent, and what came of it afterwards. Whoever is killed in between has the mail
sent once more, with the same id, so that programs show it once; none is lost.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.db.queries.challenges import questions
from portal.db.tables import (
    Announcement,
    Challenge,
    Circular,
    Mail,
    Organiser,
    Participation,
    Person,
    Question,
    RoleInvitation,
    Trouble,
)
from portal.domain import untrusted
from portal.domain.challenges.questions import Asking, QuestionState
from portal.domain.ids import new_id
from portal.domain.mail.addresses import is_address
from portal.domain.mail.kinds import (
    CLAIM_LASTS,
    GIVE_UP_AFTER,
    TOPICS,
    MailKind,
    MailState,
    pause_after,
)
from portal.domain.mail.letters import (
    Letter,
    SiteFacts,
    announcement_text,
    answered_text,
    decision_text,
    invitation_text,
    subject_of,
    waiting_text,
    with_foot,
)
from portal.domain.permissions import Role
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.attention import troubles
from portal.services.attention.troubles import Step
from portal.services.challenges import role_invitations
from portal.services.mail import choices
from portal.services.mail.queue import ANSWERING, GIVEN_UP

MAX_PROBLEM_CHARS = 500

_JOINED = {
    MailKind.JOIN_ADMITTED: ParticipationState.ADMITTED,
    MailKind.JOIN_DECLINED: ParticipationState.DECLINED,
    MailKind.JOIN_REMOVED: ParticipationState.REMOVED,
    MailKind.JOIN_BANNED: ParticipationState.BANNED,
}
_ROLES = {Role.OWNER: "an owner", Role.ORGANISER: "a co-organiser", Role.REVIEWER: "a reviewer"}
_REACHED = {ParticipationState.ADMITTED, ParticipationState.ASKED}
_DECIDED = {
    MailKind.JOIN_ADMITTED: "you can take part",
    MailKind.JOIN_DECLINED: "your request was declined",
    MailKind.JOIN_REMOVED: "you were removed",
    MailKind.JOIN_BANNED: "you were banned",
}


class _UnwantedError(Exception):
    """A mail is not to be sent any more; says why."""


def due(session: Session, *, at_most: int, now: datetime) -> Sequence[str]:
    """Return the ids of the mails that are to be sent now, the longest waiting first."""
    return session.scalars(
        select(Mail.id)
        .where(Mail.state == MailState.QUEUED, Mail.next_at <= now, Mail.kind.in_([*MailKind]))
        .order_by(Mail.next_at, Mail.id)
        .limit(at_most)
    ).all()


def claim(session: Session, mail_id: str, *, site: SiteFacts, now: datetime) -> Letter | None:
    """Claim a mail and return the letter that is to be sent; None for one that is not wanted any more.

    What people refused, and what was taken down, counts until this moment.
    """
    row = _queued(session, mail_id)
    if row is None or row.next_at > now:
        return None
    try:
        letter = _letter(session, row, site, now)
    except _UnwantedError as reason:
        _end(row, MailState.DROPPED, str(reason), now)
        return None
    row.tries += 1
    row.next_at = now + CLAIM_LASTS
    return letter


def record_sent(session: Session, mail_id: str, *, now: datetime) -> None:
    """Write down that a server has accepted a mail."""
    if row := _queued(session, mail_id):
        _end(row, MailState.SENT, "", now)


def put_off(session: Session, mail_id: str, problem: str, *, now: datetime) -> None:
    """Let a mail be tried later that a server did not accept now; give it up where that goes on for days."""
    if row := _queued(session, mail_id):
        if now - row.queued_at >= GIVE_UP_AFTER:
            _give_up(session, row, problem, now)
        else:
            row.next_at, row.problem = now + pause_after(row.tries), problem[:MAX_PROBLEM_CHARS]


def hand_back(
    session: Session, mail_id: str, problem: str, *, pause: timedelta, now: datetime
) -> None:
    """Take a claim back, as the server itself is at fault: it counts as no try."""
    if row := _queued(session, mail_id):
        if now - row.queued_at >= GIVE_UP_AFTER:
            _give_up(session, row, problem, now)
        else:
            row.tries -= 1
            row.next_at, row.problem = now + pause, problem[:MAX_PROBLEM_CHARS]


def give_up(session: Session, mail_id: str, problem: str, *, now: datetime) -> None:
    """Give up a mail that a server will never accept, and say so to staff."""
    if row := _queued(session, mail_id):
        _give_up(session, row, problem, now)


def sweep(session: Session, *, before: datetime) -> int:
    """Forget what was sent, dropped or given up before a moment, and where it went; return how many mails."""
    role_invitations.forget_addresses(session, before=before)
    gone = session.execute(
        delete(Mail)
        .where(Mail.state != MailState.QUEUED, Mail.done_at < before)
        .returning(Mail.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _queued(session: Session, mail_id: str) -> Mail | None:
    row = session.get(Mail, mail_id, with_for_update=True)
    return row if row is not None and row.state is MailState.QUEUED else None


def _end(row: Mail, state: MailState, problem: str, now: datetime) -> None:
    row.state, row.problem, row.done_at = state, problem[:MAX_PROBLEM_CHARS], now


def _give_up(session: Session, row: Mail, problem: str, now: datetime) -> None:
    """Give it up; all that are stand in one line of what needs a person."""
    _end(row, MailState.FAILED, problem, now)
    session.flush()
    number = session.scalar(select(func.count()).where(Mail.state == MailState.FAILED)) or 1
    trouble = troubles.find(session, Step.MAIL, GIVEN_UP)
    if trouble is None:
        trouble = Trouble(
            id=new_id(now), cluster="", step=Step.MAIL, subject=GIVEN_UP, tries=0, first_at=now
        )
        session.add(trouble)
    mails = "1 mail was" if number == 1 else f"{number} mails were"
    trouble.problem = f"{mails} given up, the last for: {problem[:MAX_PROBLEM_CHARS]}"
    trouble.tries, trouble.last_at, trouble.next_at = number, now, None


def _letter(session: Session, row: Mail, site: SiteFacts, now: datetime) -> Letter:
    person = session.get(Person, row.person_id)
    if person is None or person.deleted_at or person.blocked_at:
        raise _UnwantedError("the person is blocked or gone")
    if row.kind is MailKind.ROLE_INVITATION:
        return _invitation(session, row, person, site, now)
    topic = TOPICS[row.kind]
    choice = choices.choice_of(session, person.id, now=now)
    if topic not in choices.wanted(choice):
        raise _UnwantedError("the person wants no such mails")
    address = choices.address(session, person.id)
    if address is None:
        raise _UnwantedError("there is no address")
    challenge = session.get(Challenge, row.challenge_id)
    if challenge is None:
        raise _UnwantedError("the challenge is gone")
    what, text = _content(session, row, challenge, site)
    unsubscribe = f"{site.url}/mail/unsubscribe?token={choice.token}&topic={topic}"
    return Letter(
        id=untrusted.identifier(row.id, "mails.id"),
        to=address,
        subject=subject_of(challenge.title, what),
        text=with_foot(
            text, topic=topic, challenge=challenge.title, site=site, unsubscribe=unsubscribe
        ),
        unsubscribe=unsubscribe,
        written_at=row.queued_at,
    )


def _invitation(
    session: Session, row: Mail, author: Person, site: SiteFacts, now: datetime
) -> Letter:
    """Return the letter to whoever is invited, with a link that nobody has seen before."""
    found = session.get(RoleInvitation, row.occasion)
    challenge = session.get(Challenge, row.challenge_id)
    if found is None or challenge is None or found.challenge_id != row.challenge_id:
        raise _UnwantedError("the invitation is gone")
    if found.invited_by != author.id or not role_invitations.is_sendable(session, found, now):
        raise _UnwantedError("the invitation does not work any more")
    if not is_address(found.address):
        raise _UnwantedError("there is no address")
    address = f"{site.url}/role-invitation?code={role_invitations.new_link(session, found)}"
    return Letter(
        id=untrusted.identifier(row.id, "mails.id"),
        to=found.address,
        subject=subject_of(challenge.title, "an invitation to work for this challenge"),
        text=invitation_text(
            by=author.names.own,
            role=_ROLES[found.role],
            challenge=challenge.title,
            site=site,
            address=address,
            until=found.expires_at,
        ),
        unsubscribe="",
        written_at=row.queued_at,
    )


def _content(session: Session, row: Mail, challenge: Challenge, site: SiteFacts) -> tuple[str, str]:
    """Return what a mail is about and what it says."""
    root = f"{site.url}/challenges/{untrusted.slug(challenge.slug, 'challenges.slug')}"
    if row.kind is MailKind.ANNOUNCEMENT:
        return _announcement(session, row, root)
    if row.kind is MailKind.CIRCULAR:
        return _circular(session, row, root)
    if row.kind in {MailKind.QUESTION_ANSWERED, MailKind.QUESTIONS_WAITING}:
        return _questions(session, row, challenge, f"{root}/q-and-a")
    joined = session.get(Participation, (row.challenge_id, row.person_id))
    if joined is None or joined.state is not _JOINED[row.kind]:
        raise _UnwantedError("it was decided otherwise meanwhile")
    text = decision_text(row.kind, challenge=challenge.title, address=root)
    return _DECIDED[row.kind], text


def _circular(session: Session, row: Mail, root: str) -> tuple[str, str]:
    found = session.get(Circular, row.occasion)
    if found is None or found.challenge_id != row.challenge_id or found.stopped_at:
        raise _UnwantedError("the organisers have stopped it")
    joined = session.get(Participation, (row.challenge_id, row.person_id))
    if joined is not None and joined.state not in _REACHED:
        raise _UnwantedError("the person takes part no longer")
    author = session.get(Person, found.made_by)
    by = author.names.public if author else ""
    return found.title, announcement_text(title=found.title, text=found.words, by=by, address=root)


def _questions(session: Session, row: Mail, challenge: Challenge, address: str) -> tuple[str, str]:
    if row.kind is MailKind.QUESTIONS_WAITING:
        organiser = session.get(Organiser, (row.challenge_id, row.person_id))
        if organiser is None or organiser.role not in ANSWERING:
            raise _UnwantedError("the person answers no questions there any more")
        number = questions.waiting(session, row.challenge_id)
        if not number or challenge.q_and_a is Asking.NOBODY:
            raise _UnwantedError("no question waits any more")
        text = waiting_text(challenge=challenge.title, number=number, address=address)
        return "questions wait for an answer", text
    found = session.get(Question, row.occasion)
    if found is None or found.challenge_id != row.challenge_id or found.asked_by != row.person_id:
        raise _UnwantedError("the question is gone")
    if found.state not in {QuestionState.ANSWERED, QuestionState.PRIVATE}:
        raise _UnwantedError("there is no answer any more")
    place = f"{address}/{untrusted.identifier(found.id, 'questions.id')}"
    return "an answer", answered_text(challenge=challenge.title, address=place)


def _announcement(session: Session, row: Mail, root: str) -> tuple[str, str]:
    found = session.get(Announcement, row.occasion)
    if found is None or found.challenge_id != row.challenge_id or found.withdrawn_at:
        raise _UnwantedError("the announcement was taken down")
    author = session.get(Person, found.made_by)
    by = author.names.public if author else ""
    address = f"{root}/news/{untrusted.identifier(found.id, 'announcements.id')}"
    return found.title, announcement_text(
        title=found.title, text=found.markdown, by=by, address=address
    )
