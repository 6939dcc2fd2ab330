"""Starting a dry run: all of it is written in one transaction, and runs as what teams submit does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.queries.challenges import dry_runs as queries
from portal.db.tables import Challenge, DryRun, DryRunTrial, Phase, Submission, Team
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.dry_runs import (
    CHANGED,
    Expectation,
    TrialRole,
    check_may_start,
)
from portal.domain.challenges.profiles import Resources
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.evaluations.states import EvaluationState
from portal.domain.ids import new_id
from portal.domain.submissions.limits import SubmissionKind, start_of_day
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.context import look_up
from portal.services.challenges.dry_runs.cheats import Target, targets_of
from portal.services.challenges.dry_runs.subject import DryRunSubject, KnownTrial, subject_of
from portal.services.evaluations import images
from portal.services.submissions import submit
from portal.services.teams import teams

TEAM = "Dry run"
BASELINE_TEAM = "Baseline: {name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunPlan:
    """What a dry run would be about, and where the portal cheats."""

    subject: DryRunSubject
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrial:
    """What is to be submitted; its file is in the store."""

    role: TrialRole
    name: str
    about: str
    phase: str
    kind: SubmissionKind
    sha256: str
    size: int
    filename: str
    expected: Expectation
    board: bool = False


def of_bundle(trial: KnownTrial) -> NewTrial:
    """Return a baseline or a sample as it is submitted."""
    return NewTrial(
        role=trial.role,
        name=trial.name,
        about="",
        phase=trial.phase,
        kind=trial.kind,
        sha256=trial.file.sha256,
        size=trial.file.size,
        filename=trial.filename,
        expected=trial.expected,
        board=trial.board,
    )


def plan(
    session: Session, *, actor: Actor, slug: str, resources: Resources, now: datetime
) -> DryRunPlan:
    """Return what a dry run would try, before its files are made.

    Raises ``NotFoundError``, ``NotAllowedError``, and ``ParticipantError`` where there can be none now.
    """
    visible = look_up(session, actor=actor, slug=slug, now=now)
    _check(session, actor, visible.challenge, visible.relation, now=now)
    return DryRunPlan(
        subject=subject_of(session, visible.challenge),
        targets=targets_of(session, visible.challenge, resources),
    )


def start(
    session: Session,
    *,
    actor: Actor,
    slug: str,
    subject: DryRunSubject,
    trials: Sequence[NewTrial],
    notes: Iterable[str],
    now: datetime,
) -> int:
    """Submit all of a dry run; return its number. While one runs, that is the one: starting is idempotent.

    Raises as ``plan`` does, and ``ParticipantError`` where the challenge has changed since.
    """
    challenge = access.lock(session, slug)
    _check(session, actor, challenge, access.relation_of(session, challenge, actor), now=now)
    newest = queries.find(session, challenge.id)
    if newest is not None and is_running(queries.trials_of(session, newest.id)):
        return newest.number
    if subject_of(session, challenge) != subject:
        raise ParticipantError(CHANGED, reason="stale")
    row = DryRun(
        id=new_id(now),
        challenge_id=challenge.id,
        number=newest.number + 1 if newest else 1,
        revision_number=subject.revision,
        sha256=subject.sha256,
        started_by=str(actor.person_id),
        started_at=now,
        notes=list(notes),
    )
    session.add(row)
    session.flush()
    phases = {
        phase.slug: phase
        for phase in session.scalars(select(Phase).where(Phase.challenge_id == challenge.id))
    }
    for position, trial in enumerate(trials):
        _submit(session, actor, row, position, trial, phases, now=now)
    audit_log.note(
        session,
        actor=actor,
        action=Action.DRY_RUN_STARTED,
        subject=Subject(kind="challenge", id=challenge.id),
        challenge_id=challenge.id,
        now=now,
        dry_run=row.number,
        revision=row.revision_number,
    )
    return row.number


def is_running(trials: Iterable[DryRunTrial]) -> bool:
    """Whether something of a dry run is still to end by itself."""
    return any(
        not evaluation.state.is_final and evaluation.state is not EvaluationState.HELD
        for trial in trials
        for evaluation in trial.submission.evaluations
    )


def _check(
    session: Session,
    actor: Actor,
    challenge: Challenge,
    relation: permissions.ChallengeRelation,
    *,
    now: datetime,
) -> None:
    if not permissions.may_review(actor, relation):
        raise NotFoundError
    if not permissions.may_try(actor, relation):
        raise NotAllowedError("Only owners and co-organisers of the challenge can do this.")
    access.check_may_change(relation)
    check_may_start(
        challenge.state,
        is_approved=challenge.approved_at is not None,
        today=queries.started_since(session, challenge.id, start_of_day(now)),
    )


def _submit(
    session: Session,
    actor: Actor,
    row: DryRun,
    position: int,
    trial: NewTrial,
    phases: Mapping[str, Phase],
    *,
    now: datetime,
) -> None:
    phase = phases[trial.phase]
    images.keep_blob(session, sha256=trial.sha256, size=trial.size, now=now)
    name = BASELINE_TEAM.format(name=trial.name) if trial.board else TEAM
    submission = Submission(
        id=new_id(now),
        challenge_id=row.challenge_id,
        phase_id=phase.id,
        team_id=_team(session, row.challenge_id, name, now=now).id,
        person_id=str(actor.person_id),
        kind=trial.kind,
        blob_sha256=trial.sha256,
        filename=trial.filename[:255],
        note=f"Dry run {row.number}: {trial.name}"[:500],
        counts=False,
        created_at=now,
    )
    session.add(submission)
    session.flush()
    submit.begin(session, submission, submit.tasks_of(session, phase), now=now)
    session.add(
        DryRunTrial(
            dry_run_id=row.id,
            position=position,
            submission_id=submission.id,
            role=trial.role,
            name=trial.name[:200],
            about=trial.about,
            expected=asdict(trial.expected),
            board=trial.board,
        )
    )
    session.flush()


def _team(session: Session, challenge_id: str, name: str, *, now: datetime) -> Team:
    """Return the portal's own team of a name; another one where a team has that name already."""
    for number in count(1):
        wish = name[:190] if number == 1 else f"{name[:190]} ({number})"
        mine = select(Team).where(
            Team.challenge_id == challenge_id, Team.name == wish, Team.is_dry_run
        )
        if (team := session.scalar(mine)) is not None:
            return team
        if not teams.is_taken(session, challenge_id, wish, besides=""):
            break
    team = Team(
        id=new_id(now), challenge_id=challenge_id, name=wish, is_dry_run=True, created_at=now
    )
    session.add(team)
    session.flush()
    return team
