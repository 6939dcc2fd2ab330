"""Forms and calls that are sent twice: each makes one submission.

A form has a token of its own, a program sends ``Idempotency-Key``. Either is kept as a digest, with the person,
beside the submission that it made: in the same transaction, so that it holds for several web processes.
"""

import hashlib
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge, Phase, Submission
from portal.domain.accounts.people import Actor
from portal.domain.errors import ParticipantError
from portal.domain.submissions.limits import SubmissionKind

MAX_KEY_CHARS = 200
"""Characters of a key that a program may choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a form or a call asks for, as far as two of them can differ."""

    challenge: str
    phase: str
    kind: SubmissionKind
    sha256: str
    weights: str
    note: str
    is_smoke: bool


def key_of(actor: Actor, once: str) -> str | None:
    """Return what is kept of a key; None without one. Keys of two people are never the same."""
    return hashlib.sha256(f"{actor.person_id}\0{once}".encode()).hexdigest() if once else None


def made_with(session: Session, *, actor: Actor, once: str, wanted: Wanted) -> str | None:
    """Return the submission that was made with a key before; None where there is none.

    Raises ``ParticipantError`` where the key was used for something else.
    """
    key = key_of(actor, once)
    if key is None:
        return None
    row = session.execute(
        select(Submission, Challenge.slug, Phase.slug)
        .join(Challenge, Challenge.id == Submission.challenge_id)
        .join(Phase, Phase.id == Submission.phase_id)
        .where(Submission.once_sha256 == key)
    ).one_or_none()
    if row is None:
        return None
    made, challenge, phase = row
    before = Wanted(
        challenge=challenge,
        phase=phase,
        kind=made.kind,
        sha256=made.blob_sha256,
        weights=made.weights_id or "",
        note=made.note,
        is_smoke=made.is_smoke,
    )
    if before != wanted:
        raise ParticipantError(
            f"This Idempotency-Key was used for submission {made.id}, which was another one."
            " Choose a new key for each submission.",
            reason="idempotency_key",
        )
    return str(made.id)
