"""Submitting: one transaction that checks, counts and writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import (
    Blob,
    Challenge,
    Evaluation,
    Image,
    Phase,
    PhaseTask,
    Submission,
    Task,
    Team,
    Weights,
)
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.errors import ParticipantError
from portal.domain.evaluations.jobs import ImageKind
from portal.domain.evaluations.states import EvaluationState
from portal.domain.ids import new_id
from portal.domain.submissions import questions
from portal.domain.submissions.limits import (
    SubmissionKind,
    Window,
    check_window,
)
from portal.services.challenges import access
from portal.services.evaluations import images, transitions
from portal.services.submissions import marks, prerequisites, quota
from portal.services.submissions.idempotency import Wanted, key_of, made_with
from portal.services.submissions.questions.answers import questions_of
from portal.services.teams import joining, membership, teams


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that the store has: its digest and its size in bytes."""

    sha256: str
    size: int


def submit(
    session: Session,
    *,
    actor: Actor,
    challenge_slug: str,
    phase_slug: str,
    kind: SubmissionKind,
    upload: Upload,
    filename: str,
    note: str,
    weights: str = "",
    smoke: bool = False,
    answers: Mapping[str, str] | None = None,
    once: str = "",
    now: datetime,
) -> str:
    """Write a submission and one evaluation per task of the phase; return the submission's id.

    With ``once``, a key of the actor's, this is idempotent: what was made with it is returned. Everything is checked here, whichever way it came in, and within the transaction that writes:
    two requests at once cannot both take the last place. Raises ``ParticipantError``.
    """
    challenge, phase = _open_phase(session, actor, challenge_slug, phase_slug)
    window = _window(phase)
    check_window(window, kind, now=now)
    tasks = _tasks(session, phase, kind)
    joining.admit_silently(session, challenge, actor, now=now)
    team = teams.join_alone(session, actor=actor, challenge_id=challenge.id, now=now)
    team = locked_team(session, actor, team)
    wanted = Wanted(
        challenge=challenge_slug,
        phase=phase_slug,
        kind=kind,
        sha256=upload.sha256,
        weights=weights,
        note=note[:500],
        is_smoke=smoke,
    )
    # With the team locked: of two requests with one key the second finds what the first has made.
    if made := made_with(session, actor=actor, once=once, wanted=wanted):
        return made
    prerequisites.check(session, phase, team.id, now=now)
    answered = questions.read(questions_of(challenge), answers or {}, must_answer=not smoke)
    is_extra = quota.check_limits(session, phase, tasks, team, kind, smoke=smoke, now=now)

    images.keep_blob(session, sha256=upload.sha256, size=upload.size, now=now)
    submission = Submission(
        id=new_id(now),
        challenge_id=challenge.id,
        phase_id=phase.id,
        team_id=team.id,
        person_id=str(actor.person_id),
        kind=kind,
        blob_sha256=upload.sha256,
        weights_id=_weights(session, team, kind, weights),
        filename=filename[:255],
        is_smoke=smoke,
        counts=not smoke,
        is_extra=is_extra,
        is_late=window.is_late(now) and not smoke,
        note=note[:500],
        answers=answered,
        once_sha256=key_of(actor, once),
        created_at=now,
    )
    session.add(submission)
    session.flush()
    if submission.is_late:
        marks.mark_late(session, submission, now=now)
    begin(session, submission, tasks, now=now)
    return submission.id


def begin(session: Session, submission: Submission, tasks: list[Task], *, now: datetime) -> None:
    """Write an evaluation of a submission on each of some tasks: from here on the worker goes on with it."""
    for task in tasks:
        _start(session, submission, task, now=now)


def check_first(
    session: Session,
    *,
    actor: Actor,
    challenge_slug: str,
    phase_slug: str,
    kind: SubmissionKind,
    smoke: bool,
    answers: Mapping[str, str],
    now: datetime,
) -> None:
    """Refuse what ``submit`` would refuse now, before its file is kept. Raises ``ParticipantError``.

    It locks nothing and promises nothing; without it refused uploads would fill the storage.
    """
    challenge, phase = _open_phase(session, actor, challenge_slug, phase_slug)
    check_window(_window(phase), kind, now=now)
    tasks = _tasks(session, phase, kind)
    team = teams.team_of(session, challenge_id=challenge.id, person_id=str(actor.person_id))
    prerequisites.check(session, phase, team.id if team else None, now=now)
    questions.read(questions_of(challenge), answers, must_answer=not smoke)
    if team is not None:
        quota.check_limits(session, phase, tasks, team, kind, smoke=smoke, now=now)


def tasks_of(session: Session, phase: Phase) -> list[Task]:
    """List the tasks of a phase in their order."""
    return list(
        session.scalars(
            select(Task)
            .join(PhaseTask, PhaseTask.task_id == Task.id)
            .where(PhaseTask.phase_id == phase.id)
            .order_by(Task.position)
        )
    )


def _weights(session: Session, team: Team, kind: SubmissionKind, chosen: str) -> str | None:
    """Return the weights that are named; raise ``ParticipantError`` for what the team has not."""
    if not chosen:
        return None
    if kind is SubmissionKind.RESULTS:
        raise ParticipantError("Results are not run: choose no weights.", reason="weights")
    row = session.get(Weights, chosen)
    if row is None or row.team_id != team.id or row.removed_at is not None:
        raise ParticipantError("Choose weights that your team has uploaded.", reason="weights")
    if session.get_one(Blob, row.blob_sha256).deleted_at is not None:
        raise ParticipantError(
            "The site has deleted this file of weights. Upload it again, or choose another.",
            reason="weights",
        )
    return row.id


def locked_team(session: Session, actor: Actor, team: Team) -> Team:
    """Lock the row of the actor's team, so that its requests wait for each other.

    If it has merged before the lock was had, the one that it became part of is locked as well.
    """
    locked = membership.lock_or_none(session, team.id)
    if locked is not None and locked.merged_into_id is not None:
        locked = membership.lock_or_none(session, locked.merged_into_id)
    if locked is None or not permissions.may_change_team(
        actor, membership.members_of(session, locked.id)
    ):
        raise ParticipantError("Your team has changed at this moment. Submit again.")
    return locked


def _open_phase(
    session: Session, actor: Actor, challenge_slug: str, phase_slug: str
) -> tuple[Challenge, Phase]:
    challenge = access.find_to_submit(
        session, actor, challenge_slug, what="submit something"
    ).challenge
    phase = session.scalar(
        select(Phase).where(Phase.challenge_id == challenge.id, Phase.slug == phase_slug)
    )
    if phase is None:
        raise ParticipantError("Choose one of the phases of this challenge.", reason="phase")
    return challenge, phase


def _window(phase: Phase) -> Window:
    return Window(
        title=phase.title,
        starts_at=phase.starts_at,
        ends_at=phase.ends_at,
        kinds=frozenset(SubmissionKind(kind) for kind in phase.kinds),
        takes_late=phase.takes_late,
        late_until=phase.late_until,
    )


def _tasks(session: Session, phase: Phase, kind: SubmissionKind) -> list[Task]:
    tasks = tasks_of(session, phase)
    if kind is SubmissionKind.CODE and any(task.base_image_id is None for task in tasks):
        raise ParticipantError("This phase has no base image for code.", reason="kind")
    return tasks


def _start(session: Session, submission: Submission, task: Task, *, now: datetime) -> None:
    evaluation = Evaluation(
        id=new_id(now),
        submission_id=submission.id,
        task_id=task.id,
        image_id=_image(session, submission, task, now=now),
        state=EvaluationState.WAITING,
        created_at=now,
        updated_at=now,
    )
    session.add(evaluation)
    session.flush()
    transitions.note_step(session, evaluation, now=now)


def _image(session: Session, submission: Submission, task: Task, *, now: datetime) -> str | None:
    if submission.kind is SubmissionKind.RESULTS:
        return None
    if submission.kind is SubmissionKind.IMAGE:
        kind, base = ImageKind.ARCHIVE, None
    else:
        kind, base = ImageKind.CODE, session.get(Image, task.base_image_id)
    return images.image_of(
        session,
        kind=kind,
        source_sha256=submission.blob_sha256,
        cluster=task.cluster,
        base=base,
        now=now,
    ).id
