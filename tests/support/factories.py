"""Rows for tests of pages: a digits challenge with teams and submissions in every state."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.tables import (
    Account,
    Announcement,
    Attempt,
    Blob,
    Board,
    Challenge,
    ChallengeRevision,
    Circular,
    Column,
    Evaluation,
    Event,
    Image,
    Job,
    Mail,
    Membership,
    Organiser,
    Page,
    Person,
    Phase,
    PhaseTask,
    Question,
    Result,
    RevisionFile,
    RoleInvitation,
    RoleInvitationLink,
    Standing,
    Submission,
    Task,
    Team,
)
from portal.domain.challenges.circulars import Recipients
from portal.domain.challenges.life import ChallengeState
from portal.domain.challenges.profiles import DataDirectory, Profile, Resources
from portal.domain.challenges.questions import QuestionState
from portal.domain.challenges.revisions import Origin, RevisionState
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.jobs import ImageKind, JobKind
from portal.domain.evaluations.states import AttemptState, EvaluationState, ImageState
from portal.domain.ids import new_id, new_token
from portal.domain.leaderboards.scores import Rule, Sort
from portal.domain.mail.kinds import MailKind
from portal.domain.permissions import Audience, Role
from portal.domain.submissions.disclosure import Failures
from portal.domain.submissions.limits import SubmissionKind

NOW = datetime(2026, 11, 24, 10, 5, 42, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
MIB = 1024 * 1024
BUNDLE = Path(__file__).parents[2] / "examples/digits/bundle"

E = EvaluationState
IMAGE_WAY = (E.WAITING, E.BUILDING, E.QUEUED, E.RUNNING, E.SCORING, E.SCORED)
RESULTS_WAY = (E.WAITING, E.SCORING, E.SCORED)


def _sealed_run(job_id: str, argv: str) -> dict[str, Any]:
    return {
        "token": f"token-{job_id}",
        "cluster": "main",
        "slurm_cluster": "hpc",
        "job_id": job_id,
        "profile": "gpu",
        "argv": [argv],
        "nodes": "n1",
        "state": "COMPLETED",
        "started_at": "2026-11-26T10:00:00+00:00",
        "ended_at": "2026-11-26T10:05:00+00:00",
        "probe": {"probe": 1},
        "versions": {"apptainer": "1.4.5", "slurm": "24.11"},
        "exit_code": 0,
    }


SEAL_RECORD: dict[str, Any] = {
    "schema": 2,
    "images": {"submission": "b" * 64, "scorer": "c" * 64, "probe": "e" * 64},
    "data": {
        "input": {"name": "cells", "merkle_root": "d" * 64, "files": 3, "bytes": 30},
        "truth": {"name": "cells-truth", "merkle_root": None},
    },
    "predict": _sealed_run("17", "/app/predict"),
    "score": _sealed_run("18", "/app/score"),
}
"""What a seal record tells of the runs; the worker's own has more."""


def resources(upload_limit: int = 64 * MIB) -> Resources:
    """Return what a small site offers."""
    profile = Profile(
        name="gpu-small",
        cluster="main",
        partition="gpu",
        cpus=8,
        memory_mib=32 * 1024,
        time_limit=timedelta(hours=1),
        gres="gpu:1",
        running=4,
    )
    small = {
        name: replace(profile, name=name, gres=None, partition=name) for name in ("score", "build")
    }
    directories = {
        name: DataDirectory(
            name=name,
            path=PurePosixPath("/data/digits"),
            challenges=frozenset({"digits", "more-digits"}),
        )
        for name in ("digits-test", "digits-truth")
    }
    return Resources(
        profiles={"gpu-small": profile, **small},
        build_profiles={"main": "build"},
        data=directories,
        upload_limit=upload_limit,
        output_limit=2048 * MIB,
        output_files=10_000,
    )


@dataclass(kw_only=True)
class Digits:
    """A challenge and the rows that tests refer to."""

    challenge: Challenge
    task: Task
    phases: dict[str, Phase]
    columns: list[Column] = field(default_factory=list)

    @property
    def dev(self) -> Phase:
        return self.phases["dev"]


def add_person(session: Session, name: str, *, is_staff: bool = False) -> Person:
    person = Person(id=new_id(NOW), name=name, is_staff=is_staff, created_at=NOW)
    session.add(person)
    session.flush()
    return person


def add_account(
    session: Session, person: Person, subject: str, *, issuer: str = "https://login.example.org"
) -> Account:
    account = Account(
        issuer=issuer,
        subject=subject,
        person_id=person.id,
        claims={},
        created_at=NOW - DAY,
        last_login_at=NOW - MINUTE,
    )
    session.add(account)
    session.flush()
    return account


def add_blob(session: Session, content: str, size: int = 48_213) -> str:
    digest = hashlib.sha256(content.encode()).hexdigest()
    session.merge(Blob(sha256=digest, size=size, created_at=NOW))
    session.flush()
    return digest


def add_image(session: Session, name: str, state: ImageState = ImageState.READY) -> Image:
    image = Image(
        id=new_id(NOW),
        recipe=hashlib.sha256(f"recipe of {name}".encode()).hexdigest(),
        cluster="main",
        kind=ImageKind.ARCHIVE,
        source_sha256=add_blob(session, name),
        state=state,
        created_at=NOW,
        updated_at=NOW,
    )
    session.add(image)
    session.flush()
    return image


def add_revision(
    session: Session,
    digits: "Digits",
    number: int = 1,
    *,
    settings: str = "schema: 1\ntitle: Read the digits\n",
    changes: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
    by: Person | None = None,
    state: RevisionState = RevisionState.APPLIED,
    needs: Sequence[str] = (),
    message: str = "",
) -> ChallengeRevision:
    """Add a revision of a challenge, made of the one before, with files that are in no store."""
    row = ChallengeRevision(
        id=new_id(NOW),
        challenge_id=digits.challenge.id,
        number=number,
        settings=settings,
        changes=list(changes),
        origin=Origin.PAGE if by else Origin.COMMAND,
        made_by=by.id if by else None,
        made_at=NOW + number * MINUTE,
        state=state,
        base_number=number - 1 or None,
        needs=list(needs),
        message=message,
        applied_at=NOW + number * MINUTE if state is RevisionState.APPLIED else None,
    )
    session.add(row)
    session.flush()
    for path, content in (files or {}).items():
        digest = hashlib.sha256(content).hexdigest()
        if session.get(Blob, digest) is None:
            session.add(Blob(sha256=digest, size=len(content), created_at=NOW))
            session.flush()
        session.add(
            RevisionFile(revision_id=row.id, path=path, blob_sha256=digest, size=len(content))
        )
    session.flush()
    return row


def add_announcement(
    session: Session,
    digits: "Digits",
    by: Person,
    title: str = "The test set was extended",
    text: str = "It has *300* images more.",
    *,
    at: datetime = NOW - DAY,
    edited_at: datetime | None = None,
    withdrawn_at: datetime | None = None,
) -> Announcement:
    """Add an announcement of the challenge."""
    row = Announcement(
        id=new_id(at), challenge_id=digits.challenge.id, title=title, markdown=text,
        made_by=by.id, made_at=at, edited_at=edited_at, withdrawn_at=withdrawn_at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def add_challenge(
    session: Session,
    slug: str = "digits",
    title: str = "Read the digits",
    *,
    state: ChallengeState = ChallengeState.PUBLISHED,
    phases: Sequence[Phase] | None = None,
    terms: str | None = None,
) -> Digits:
    """Add a challenge with a past, an open and a coming phase, unless others are given."""
    challenge = Challenge(
        id=new_id(NOW),
        slug=slug,
        title=title,
        state=state,
        approved_at=NOW,
        terms=(BUNDLE / "terms.md").read_text() if terms is None else terms,
        join_policy="open",
        team_size=4,
        rule=Rule.BEST,
        created_at=NOW,
        updated_at=NOW,
    )
    session.add(challenge)
    session.flush()
    for position, (name, page) in enumerate(
        (("overview", "Overview"), ("evaluation", "Evaluation"))
    ):
        add_page(session, challenge, name, page, (BUNDLE / f"{name}.md").read_text(), position)
    task = _add_task(session, challenge)
    columns = _add_columns(session, challenge)
    rows = list(phases if phases is not None else _usual_phases())
    for position, phase in enumerate(rows):
        phase.id, phase.challenge_id, phase.position = new_id(NOW), challenge.id, position
        session.add(phase)
        session.flush()
        session.add(PhaseTask(phase_id=phase.id, task_id=task.id))
        add_board(session, challenge, phase.slug, phase.title, [phase.slug], id=phase.id)
    session.flush()
    return Digits(challenge=challenge, task=task, phases={p.slug: p for p in rows}, columns=columns)


def new_phase(
    slug: str,
    title: str,
    starts_at: datetime,
    ends_at: datetime,
    *,
    leaderboard: Audience = Audience.PUBLIC,
    kinds: Sequence[str] = ("image", "code", "results"),
    per_day: int | None = 5,
    total: int | None = 100,
) -> Phase:
    return Phase(
        slug=slug,
        title=title,
        starts_at=starts_at,
        ends_at=ends_at,
        kinds=list(kinds),
        per_day=per_day,
        total=total,
        running=1,
        leaderboard=leaderboard,
        feedback="scores",
        logs="smoke",
        failures=Failures.TYPED,
    )


def _usual_phases() -> list[Phase]:
    return [
        new_phase("warm-up", "Warm-up", NOW - 60 * DAY, NOW - 20 * DAY),
        new_phase("dev", "Development", NOW - 20 * DAY, NOW + 40 * DAY),
        new_phase(
            "final", "Final", NOW + 40 * DAY, NOW + 54 * DAY, leaderboard=Audience.ORGANISERS
        ),
    ]


def add_board(
    session: Session,
    challenge: Challenge,
    slug: str,
    title: str,
    phases: Sequence[str],
    **values: Any,
) -> Board:
    """Add a board after those that there are; by the primary column and the challenge's rule unless values say otherwise."""
    position = session.scalar(
        select(func.count()).select_from(Board).where(Board.challenge_id == challenge.id)
    )
    usual = {"id": new_id(NOW), "ranking": {}, "shown": [], "compare": "", "position": position}
    row = Board(
        challenge_id=challenge.id, slug=slug, title=title, phases=list(phases), **(usual | values)
    )
    session.add(row)
    session.flush()
    return row


def add_page(
    session: Session, challenge: Challenge, slug: str, title: str, text: str, position: int
) -> Page:
    page = Page(
        id=new_id(NOW),
        challenge_id=challenge.id,
        slug=slug,
        position=position,
        title=title,
        markdown=text,
    )
    session.add(page)
    session.flush()
    return page


def _add_task(session: Session, challenge: Challenge) -> Task:
    task = Task(
        id=new_id(NOW),
        challenge_id=challenge.id,
        slug="digits",
        position=0,
        cluster="main",
        input_data="digits-test",
        truth_data="digits-truth",
        scorer_image_id=add_image(session, f"scorer of {challenge.slug}").id,
        base_image_id=add_image(session, f"base of {challenge.slug}").id,
        predict_profile="gpu-small",
        predict_argv=["/app/predict"],
        score_profile="score",
        score_argv=["/app/score"],
        required_outputs=["predictions.csv"],
        output_limit=MIB,
        output_files=10,
    )
    session.add(task)
    session.flush()
    return task


def _add_columns(session: Session, challenge: Challenge) -> list[Column]:
    described = (
        ("accuracy", "Accuracy", Sort.DESCENDING, True, False),
        ("macro_f1", "Macro F1", Sort.DESCENDING, False, False),
        ("brier", "Brier score", Sort.ASCENDING, False, False),
        ("holdout", "Hold-out", Sort.DESCENDING, False, True),
    )
    rows = [
        Column(
            id=new_id(NOW),
            challenge_id=challenge.id,
            position=position,
            key=key,
            title=title,
            sort=sort,
            precision=3,
            minimum=0.0,
            maximum=1.0,
            is_primary=is_primary,
            private=private,
        )
        for position, (key, title, sort, is_primary, private) in enumerate(described)
    ]
    session.add_all(rows)
    session.flush()
    return rows


def add_organiser(
    session: Session, digits: Digits, person: Person, role: Role = Role.OWNER
) -> None:
    session.add(Organiser(challenge_id=digits.challenge.id, person_id=person.id, role=role))
    session.flush()


def add_circular(
    session: Session,
    digits: Digits,
    by: Person,
    *people: Person,
    title: str = "You have not submitted yet",
    at: datetime = NOW - 2 * DAY,
) -> Circular:
    """Add a mail to participants, of which nothing is sent yet."""
    row = Circular(
        id=new_id(at), challenge_id=digits.challenge.id, title=title, words="There is a week left.",
        recipients=Recipients.NO_SUBMISSION, number=len(people), made_by=by.id, made_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    for person in people:
        session.add(
            Mail(
                id=new_id(at), kind=MailKind.CIRCULAR, occasion=row.id, person_id=person.id,
                challenge_id=digits.challenge.id, queued_at=at, next_at=at,
            )
        )  # fmt: skip
    session.flush()
    return row


def add_question(
    session: Session,
    digits: Digits,
    by: Person,
    title: str = "Are images of the test set rotated?",
    words: str = "Those of the *sample* are.",
    *,
    state: QuestionState = QuestionState.WAITING,
    answer: str = "",
    answered_by: Person | None = None,
    note: str = "",
    at: datetime = NOW - DAY,
) -> Question:
    """Add a question to the organisers."""
    row = Question(
        id=new_id(at), challenge_id=digits.challenge.id, asked_by=by.id, title=title, words=words,
        state=state, asked_at=at, answer=answer, note=note,
        answered_by=answered_by.id if answered_by else None,
        answered_at=at + 60 * MINUTE if answered_by else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def add_role_invitation(
    session: Session,
    digits: Digits,
    by: Person,
    secret: str = "",
    *,
    role: Role = Role.REVIEWER,
    address: str = "guest@nordholm.example",
    at: datetime = NOW - DAY,
) -> RoleInvitation:
    """Invite an address to a role; with a secret, as if its mail had been sent."""
    row = RoleInvitation(
        id=new_id(at), challenge_id=digits.challenge.id, role=role, address=address,
        invited_by=by.id, made_at=at, expires_at=at + 14 * DAY,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if secret:
        digest = hashlib.sha256(secret.encode()).hexdigest()
        session.add(RoleInvitationLink(secret_sha256=digest, invitation_id=row.id))
        session.flush()
    return row


def add_team(session: Session, digits: Digits, name: str, *people: Person) -> Team:
    team = Team(id=new_id(NOW), challenge_id=digits.challenge.id, name=name, created_at=NOW)
    session.add(team)
    session.flush()
    for person in people:
        session.add(
            Membership(
                team_id=team.id,
                person_id=person.id,
                challenge_id=digits.challenge.id,
                joined_at=NOW,
            )
        )
    session.flush()
    return team


def scores_of(accuracy: float) -> dict[str, float]:
    """Return scores with more digits than anybody but organisers may see."""
    return {
        "accuracy": accuracy + 0.0000123,
        "macro_f1": accuracy - 0.0131234,
        "brier": (1 - accuracy) * 0.6 + 0.0001234,
        "holdout": accuracy - 0.0271234,
    }


def add_submission(
    session: Session,
    digits: Digits,
    team: Team,
    person: Person,
    *,
    state: EvaluationState = E.SCORED,
    kind: SubmissionKind = SubmissionKind.CODE,
    at: datetime = NOW - 30 * MINUTE,
    accuracy: float = 0.9,
    filename: str = "submission.zip",
    note: str = "",
    reason: FailureReason | None = None,
    failed_at: EvaluationState = E.RUNNING,
    counts: bool = True,
    phase: str = "dev",
    is_smoke: bool = False,
) -> Submission:
    """Add a submission whose evaluation went the usual way to ``state``; one on the sample has no result."""
    submission = Submission(
        id=new_id(at),
        challenge_id=digits.challenge.id,
        phase_id=digits.phases[phase].id,
        team_id=team.id,
        person_id=person.id,
        kind=kind,
        blob_sha256=add_blob(session, f"{filename} of {team.name}"),
        filename=filename,
        note=note,
        counts=counts and not is_smoke,
        is_smoke=is_smoke,
        created_at=at,
    )
    session.add(submission)
    session.flush()
    evaluation = Evaluation(
        id=new_id(at),
        submission_id=submission.id,
        task_id=digits.task.id,
        state=state,
        reason=reason,
        detail="slurmstepd: error: something only organisers see" if reason else "",
        created_at=at,
        updated_at=at,
    )
    session.add(evaluation)
    session.flush()
    _add_events(session, evaluation, kind, state, failed_at, at)
    if state in {E.QUEUED, E.RUNNING, E.SCORING, E.FAILED, E.HELD, E.SCORED}:
        _add_job(session, evaluation, state, at)
    if state is E.SCORED and not is_smoke:
        add_result(session, evaluation, accuracy, at)
    return submission


def _add_events(
    session: Session,
    evaluation: Evaluation,
    kind: SubmissionKind,
    state: EvaluationState,
    failed_at: EvaluationState,
    at: datetime,
) -> None:
    way = RESULTS_WAY if kind is SubmissionKind.RESULTS else IMAGE_WAY
    last = state if state in way else failed_at
    passed = [*way[: way.index(last) + 1], *([] if state in way else [state])]
    for n, stop in enumerate(passed):
        moment = at + n * 3 * MINUTE
        session.add(Event(id=new_id(moment), evaluation_id=evaluation.id, at=moment, state=stop))


def _add_job(
    session: Session, evaluation: Evaluation, state: EvaluationState, at: datetime
) -> None:
    is_open = not state.is_final and state is not E.HELD
    job = Job(
        id=new_id(at),
        kind=JobKind.SCORE if state is E.SCORING else JobKind.PREDICT,
        evaluation_id=evaluation.id,
        cluster="main",
        profile="gpu-small",
        is_open=is_open,
        created_at=at,
    )
    session.add(job)
    session.flush()
    states = {E.QUEUED: AttemptState.QUEUED, E.RUNNING: AttemptState.RUNNING}
    session.add(
        Attempt(
            token=new_token(at),
            job_id=job.id,
            number=1,
            state=states.get(state, AttemptState.COLLECTED),
            cluster_job_id="41823",
            slurm_cluster="main",
            created_at=at,
            queued_at=at + MINUTE,
            started_at=None if state is E.QUEUED else at + 9 * MINUTE,
            confirmed_at=NOW - timedelta(seconds=12),
            raw_state="PENDING" if state is E.QUEUED else "RUNNING",
            raw_reason="Resources" if state is E.QUEUED else "None",
            nodes="" if state is E.QUEUED else "gpu03",
        )
    )
    session.flush()


def add_result(session: Session, evaluation: Evaluation, accuracy: float, at: datetime) -> None:
    session.add(
        Result(
            evaluation_id=evaluation.id,
            scores=scores_of(accuracy),
            seal=SEAL_RECORD,
            seal_sha256=hashlib.sha256(evaluation.id.encode()).hexdigest(),
            created_at=at,
        )
    )
    session.flush()


def add_standing(
    session: Session,
    digits: Digits,
    team: Team,
    submission: Submission,
    accuracy: float,
    *,
    phase: str = "dev",
) -> None:
    """Let a submission stand for its team, with rounded scores."""
    session.add(
        Standing(
            board_id=digits.phases[phase].id,
            team_id=team.id,
            submission_id=submission.id,
            scores={key: round(value, 3) for key, value in scores_of(accuracy).items()},
            rank_value=round(accuracy, 3),
            achieved_at=submission.created_at,
        )
    )
    session.flush()


def add_ranked(
    session: Session, digits: Digits, name: str, accuracy: float, at: datetime = NOW - DAY
) -> Team:
    """Add a person, a team and a scored submission that stands for it."""
    person = add_person(session, name)
    team = add_team(session, digits, name, person)
    submission = add_submission(session, digits, team, person, accuracy=accuracy, at=at)
    add_standing(session, digits, team, submission, accuracy)
    return team
