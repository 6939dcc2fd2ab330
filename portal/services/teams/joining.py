"""Taking part in a challenge: by the policy that it has, with its terms accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.tables import Challenge, Participation
from portal.domain import permissions
from portal.domain.accounts.gates import Closed, first_closed, gate_from_json
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.teams.membership_rules import ParticipationState, must_accept, terms_digest
from portal.services.accounts import sign_in
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.context import Frame, look_up
from portal.services.mail import queue as mail_queue

log = structlog.get_logger("sealrun.joining")

MAX_NOTE_CHARS = 500
OPEN, APPROVE, CLAIMS = "open", "approve", "claims"
ACCEPT = "Tick that you accept the terms to take part."


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPage:
    """What joining a challenge takes, and how far the actor is with it."""

    frame: Frame
    policy: str
    state: ParticipationState | None
    rule: str
    """For the policy ``claims``: the rule in words."""
    ask: str
    """Whom to ask about it; empty: the site's support."""
    terms: str
    must_accept: bool
    """Whether the terms have to be accepted, for the first time or as they are now."""
    note: str
    reason: str
    """Why the actor was removed or banned; empty where they were not."""


class GateClosedError(NotAllowedError):
    """The login does not say what the challenge asks for."""

    reason = "gate"

    def __init__(self, closed: Closed) -> None:
        whom = closed.gate.ask or "the support of this site"
        super().__init__(f"This challenge asks for: {closed.gate.title}. Ask {whom} about it.")
        self.needs_second_factor = closed.needs_stronger_login


def join_page(session: Session, *, actor: Actor, slug: str, now: datetime) -> JoinPage:
    """Return what joining takes; once the challenge is over, to whoever had joined or asked to."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    has_part = visible.team_id is not None or visible.frame.participation is not None
    if not permissions.may_see_own_part(actor, visible.relation, has_part=has_part):
        raise access.not_now(visible.relation, "take part")
    row = _row(session, visible.challenge, actor)
    gate = gate_from_json(visible.challenge.join_gate)
    return JoinPage(
        frame=visible.frame,
        policy=visible.challenge.join_policy,
        state=row.state if row else None,
        rule=gate.title if gate else "",
        ask=(row.contact if row else "") or (gate.ask if gate else ""),
        terms=visible.challenge.terms,
        must_accept=must_accept(visible.challenge.terms, row.terms_sha256 if row else None),
        note=row.note if row else "",
        reason=row.reason if row and row.state.is_out else "",
    )


def join(
    session: Session, *, actor: Actor, slug: str, accepts: bool, note: str, now: datetime
) -> ParticipationState:
    """Take part, or ask to; return how far the actor is then. Doing it again changes nothing.

    Raises ``ParticipantError``: the terms are not accepted, or the login lacks what is asked for.
    """
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_take_part(actor, visible.relation):
        raise access.not_now(visible.relation, "take part")
    challenge = visible.challenge
    row = _row(session, challenge, actor)
    if must_accept(challenge.terms, row.terms_sha256 if row else None) and not accepts:
        raise ParticipantError(ACCEPT, reason="accept")
    declined = row is not None and row.state is ParticipationState.DECLINED
    if declined and challenge.join_policy != OPEN:
        raise NotAllowedError("The organisers have declined your request. Ask them about it.")
    if row is not None and row.state is ParticipationState.ADMITTED:
        row.terms_sha256 = terms_digest(challenge.terms)
        return row.state
    _check_gate(session, challenge, actor)
    state = (
        ParticipationState.ASKED
        if challenge.join_policy == APPROVE
        else ParticipationState.ADMITTED
    )
    return _write(session, challenge, actor, state, note, now=now)


def terms_to_accept(session: Session, challenge: Challenge, actor: Actor) -> str:
    """Return the terms that the actor has not accepted as they are now; empty if there are none."""
    row = _row(session, challenge, actor)
    accepted = row.terms_sha256 if row else None
    return challenge.terms if must_accept(challenge.terms, accepted) else ""


def accept_terms(
    session: Session, challenge: Challenge, actor: Actor, *, accepts: bool, now: datetime
) -> None:
    """Let somebody take part who follows an invitation, where the challenge lets everybody or has let them.

    Raises ``ParticipantError`` where there are terms to accept and they do not, and ``NotAllowedError`` where
    the challenge has to let them in first.
    """
    row = _row(session, challenge, actor)
    is_admitted = row is not None and row.state is ParticipationState.ADMITTED
    if (challenge.join_policy == OPEN or is_admitted) and terms_to_accept(
        session, challenge, actor
    ):
        if not accepts:
            raise ParticipantError(ACCEPT, reason="accept")
        if row is not None and is_admitted:
            row.terms_sha256 = terms_digest(challenge.terms)
    admit_silently(session, challenge, actor, now=now)


def admit_silently(session: Session, challenge: Challenge, actor: Actor, *, now: datetime) -> None:
    """Let somebody who submits to an open challenge take part; by submitting they accept its terms.

    Raises ``NotAllowedError`` where the policy is another and the actor has not been admitted, the terms have changed
    since they accepted them, or the organisers have put them out.
    """
    # Whoever bans the person meanwhile waits until this is over, or this sees the ban. Participation before team, always.
    row = session.get(
        Participation, (challenge.id, str(actor.person_id)), with_for_update={"key_share": True}
    )
    if row is not None and row.state.is_out:
        raise not_yet(row.state)
    if challenge.join_policy == OPEN:
        if row is None or row.state is not ParticipationState.ADMITTED:
            _write(session, challenge, actor, ParticipationState.ADMITTED, "", now=now)
        else:
            row.terms_sha256 = terms_digest(challenge.terms)
        return
    if (
        row is None
        or row.state is not ParticipationState.ADMITTED
        or must_accept(challenge.terms, row.terms_sha256)
    ):
        raise not_yet(row.state if row else None)


def check_may_submit(session: Session, *, actor: Actor, slug: str, what: str) -> None:
    """Refuse whoever may not submit to a challenge or has to be let in first, in one query.

    Raises ``NotFoundError``, and ``NotAllowedError`` naming ``what`` they want.
    """
    visible = access.find_to_submit(session, actor, slug, what=what)
    if visible.must_join:
        raise not_yet(visible.found.participation)


def not_yet(state: ParticipationState | None) -> NotAllowedError:
    """Return why somebody cannot submit yet, by how far they are with taking part."""
    return NotAllowedError(_NOT_YET[state], reason="join")


def decide(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    person_id: str,
    admits: bool,
    now: datetime,
    by_mail: bool = False,
) -> None:
    """Let somebody take part who asked, or decline; a declined person can be admitted later.

    ``by_mail``: they are informed by mail, unless they do not want to be.
    """
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not permissions.may_manage_participants(actor, visible.relation):
        raise NotFoundError
    access.check_may_change(visible.relation)
    row = session.get(Participation, (visible.challenge.id, person_id), with_for_update=True)
    if row is None:
        raise NotFoundError
    if row.state is ParticipationState.BANNED:
        raise ParticipantError("This person is banned. Lift the ban first.")
    if row.state is ParticipationState.ADMITTED and not admits:
        raise ParticipantError("This person takes part already; they cannot be declined any more.")
    to = ParticipationState.ADMITTED if admits else ParticipationState.DECLINED
    if row.state is to:
        return
    row.state, row.decided_at, row.decided_by = to, now, actor.person_id
    row.reason = row.contact = ""
    _note(
        session, actor, Action.JOIN_ADMITTED if admits else Action.JOIN_DECLINED,
        visible.challenge, person_id, now,
    )  # fmt: skip
    if by_mail:
        mail_queue.decided(session, row, now=now)


def state_of(session: Session, challenge_id: str, actor: Actor) -> ParticipationState | None:
    """Return how far the actor is with taking part."""
    if actor.person_id is None:
        return None
    row = session.get(Participation, (challenge_id, actor.person_id))
    return row.state if row else None


_NOT_YET: Mapping[ParticipationState | None, str] = {
    None: "Join the challenge first, on its page for joining.",
    ParticipationState.ASKED: "The organisers have not yet let you in. You can submit once they have.",
    ParticipationState.DECLINED: "The organisers have declined your request to take part.",
    ParticipationState.REMOVED: (
        "The organisers have removed you from this challenge. Its page for joining says why."
    ),
    ParticipationState.BANNED: access.BANNED,
    ParticipationState.ADMITTED: (
        "The terms of this challenge have changed. Accept them on its page for joining first."
    ),
}


def _row(session: Session, challenge: Challenge, actor: Actor) -> Participation | None:
    return session.get(Participation, (challenge.id, str(actor.person_id)))


def _check_gate(session: Session, challenge: Challenge, actor: Actor) -> None:
    gate = gate_from_json(challenge.join_gate)
    if challenge.join_policy != CLAIMS or gate is None:
        return
    closed = first_closed([gate], sign_in.claims_of(session, actor))
    if closed is not None:
        log.warning(
            "join_refused", challenge=challenge.slug, person_id=actor.person_id,
            rule=gate.title, missing_claim=closed.claim, wanted=list(closed.wanted),
        )  # fmt: skip
        raise GateClosedError(closed)


def _write(
    session: Session,
    challenge: Challenge,
    actor: Actor,
    state: ParticipationState,
    note: str,
    *,
    now: datetime,
) -> ParticipationState:
    person_id = str(actor.person_id)
    row = Participation(
        challenge_id=challenge.id,
        person_id=person_id,
        state=state,
        note=note[:MAX_NOTE_CHARS],
        terms_sha256=terms_digest(challenge.terms),
        asked_at=now,
        decided_at=now if state is ParticipationState.ADMITTED else None,
    )
    # Two requests at once: the second finds the row of the first.
    if session.get(
        Participation, row_key := (challenge.id, person_id)
    ) is None and insert_if_absent(session, row):
        _note(session, actor, _WRITTEN[state], challenge, person_id, now)
        return state
    found = session.get_one(Participation, row_key, populate_existing=True, with_for_update=True)
    if found.state is ParticipationState.BANNED:
        raise not_yet(found.state)
    if _is_step(found.state, state):
        # The policy was another when they asked, or they were removed and come again.
        is_in = state is ParticipationState.ADMITTED
        found.state, found.decided_at, found.decided_by = state, now if is_in else None, None
        found.terms_sha256, found.reason, found.contact = row.terms_sha256, "", ""
        if not is_in:
            found.note, found.asked_at = row.note, now
        _note(session, actor, _WRITTEN[state], challenge, person_id, now)
    return found.state


def _is_step(before: ParticipationState, to: ParticipationState) -> bool:
    if to is ParticipationState.ADMITTED:
        return before is not to
    return before is ParticipationState.REMOVED


_WRITTEN = {
    ParticipationState.ADMITTED: Action.JOINED,
    ParticipationState.ASKED: Action.JOIN_ASKED,
}


def _note(
    session: Session,
    actor: Actor,
    action: Action,
    challenge: Challenge,
    person_id: str,
    now: datetime,
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="person", id=person_id),
        challenge_id=challenge.id,
        now=now,
    )
