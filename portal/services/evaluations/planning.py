"""Planning: which job an image or an evaluation needs next. Writes rows, touches no cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy.orm import Session

from portal.db.queries.evaluations import work
from portal.db.tables import Blob, DataSnapshot, Evaluation, Image, Weights
from portal.domain.challenges.profiles import Profile, Resources
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.neighbours import Neighbours, Wish
from portal.domain.evaluations.states import EvaluationState, ImageState
from portal.domain.evaluations.verdicts import reason_without_tries
from portal.services.attention.troubles import Guard
from portal.services.evaluations import attempts, builds, images, leases, snapshots, transitions
from portal.services.evaluations.capacity import Capacity
from portal.services.evaluations.neighbours import wish_for, wish_for_run
from portal.services.evaluations.queue_position import first_job
from portal.services.evaluations.snapshots import Measured
from portal.services.submissions import cancellation


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """How many jobs a planning step opened."""

    builds: int
    measurements: int
    runs: int


def plan(
    session: Session,
    *,
    resources: Resources,
    cluster: str,
    probe_image_id: str,
    now: datetime,
    may_build: Callable[[Image], bool] = lambda _: True,
) -> Planned:
    """Open a job for everything that can go on on a cluster, within the limits of phases and profiles.

    ``may_build`` says whether nothing is to be done with an image before its build is opened.
    Some limits hold for all clusters together, so that they are planned for one after the other.
    """
    leases.wait_for_turn(session, name="planning", now=now)
    build = resources.profiles[resources.build_profiles[cluster]]
    guard = Guard(
        session,
        cluster,
        set_aside=lambda row, detail, since: _set_aside(session, row, detail, since, now=now),
        now=now,
    )
    capacity, measured = Capacity(session, resources), Measured(session, resources, cluster)
    found = builds.due(
        session,
        guard,
        build,
        places=capacity.places(build),
        probe_image_id=probe_image_id,
        may_build=may_build,
        now=now,
    )
    builds_due = [(one, wish_for(one.image, JobKind.BUILD, build)) for one in found]
    snapshots_due = snapshots.due(
        session, guard, measured, resources=resources, cluster=cluster, now=now
    )
    runs = _Runs(session, guard, resources, capacity, measured, cluster, probe_image_id, now=now)
    neighbours = Neighbours(
        capacity.living(),
        [wish for _, wish in builds_due] + [one.wish for one in snapshots_due] + runs.wishes(),
    )
    return Planned(
        builds=builds.open_all(
            session,
            guard,
            [one for one, wish in builds_due if neighbours.admit(wish)],
            build,
            now=now,
        ),
        measurements=snapshots.open_due(session, guard, snapshots_due, neighbours, now=now),
        runs=runs.open(neighbours),
    )


def _itself(evaluation: Evaluation) -> Evaluation:
    return evaluation


def _set_aside(
    session: Session,
    row: Image | DataSnapshot | Evaluation,
    detail: str,
    since: datetime,
    *,
    now: datetime,
) -> datetime | None:
    """Hand to staff what cannot be planned; nothing of an evaluation has run, unless it is to be scored.

    Where it is too early to tell its team, nothing is done, and the moment returned from which it can be shown.
    """
    if isinstance(row, Image):
        images.move_image(row, ImageState.FAILED, now=now)
        row.reason, row.detail = FailureReason.INFRASTRUCTURE, detail
    elif isinstance(row, DataSnapshot):
        snapshots.failed(session, row.id, detail)
    else:
        has_run = row.state not in {EvaluationState.WAITING, EvaluationState.BUILDING}
        started = has_run and transitions.is_sealed(session, row)
        if started and now < (told_from := transitions.told_from(session, row, since)):
            return told_from
        reason = reason_without_tries(JobKind.PREDICT, started=started)
        transitions.hold(session, row, reason, detail=detail, now=now)
    return None


class _Runs:
    """The evaluations of a cluster that can go on: to be run, or to be scored after their run."""

    def __init__(
        self,
        session: Session,
        guard: Guard,
        resources: Resources,
        capacity: Capacity,
        measured: Measured,
        cluster: str,
        probe_image_id: str,
        *,
        now: datetime,
    ) -> None:
        self._session, self._guard, self._resources, self._now = session, guard, resources, now
        self._capacity = capacity
        to_score = guard.look(
            work.evaluations_to_score(session, cluster), self._scoring, row=_itself
        )
        self._to_score = [run for run in to_score if run is not None]
        ready = _ready(session, guard, measured, cluster, probe_image_id, now=now)
        waiting = guard.look(self._capacity.in_turn(ready), self._first, row=_itself)
        free = guard.look(waiting, self._if_free, row=lambda run: run.evaluation)
        self._free = [run for run in free if run is not None]

    def _scoring(self, evaluation: Evaluation) -> "_Run | None":
        if _is_cancelled(self._session, evaluation, now=self._now):
            return None
        profile = self._resources.profiles[evaluation.task.score_profile]
        return _Run.of(evaluation, JobKind.SCORE, profile)

    def _first(self, evaluation: Evaluation) -> "_Run":
        kind, profile = first_job(evaluation.submission, evaluation.task, self._resources)
        return _Run.of(evaluation, kind, profile)

    def wishes(self) -> list[Wish]:
        """List those that nothing but neighbours could keep from running."""
        return [one.wish for one in (*self._to_score, *self._free)]

    def _if_free(self, run: "_Run") -> "_Run | None":
        is_free = self._capacity.blocking_limit(run.evaluation, run.profile) is None
        return run if is_free else None

    def open(self, neighbours: Neighbours) -> int:
        """Open the jobs that may be opened now, and return how many they are.

        What has its predictions has its place already: no limit holds up its scoring.
        """
        admitted = [one for one in self._to_score if neighbours.admit(one.wish)] + [
            one
            for one in self._free
            if neighbours.admit(one.wish)
            and self._capacity.try_reserve(one.evaluation, one.profile)
        ]
        return self._guard.write(admitted, self._open, row=lambda run: run.evaluation)

    def _open(self, run: "_Run") -> None:
        attempts.open_job(
            self._session,
            kind=run.kind,
            profile=run.profile,
            evaluation_id=run.evaluation.id,
            now=self._now,
        )
        to = EvaluationState.SCORING if run.kind is JobKind.SCORE else EvaluationState.QUEUED
        transitions.move(self._session, run.evaluation, to, now=self._now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The next job of an evaluation."""

    evaluation: Evaluation
    kind: JobKind
    profile: Profile
    wish: Wish

    @classmethod
    def of(cls, evaluation: Evaluation, kind: JobKind, profile: Profile) -> Self:
        """Return the next job of an evaluation whose submission and phase are loaded."""
        wish = wish_for_run(evaluation, kind, profile)
        return cls(evaluation=evaluation, kind=kind, profile=profile, wish=wish)


def _ready(
    session: Session,
    guard: Guard,
    measured: Measured,
    cluster: str,
    probe_image_id: str,
    *,
    now: datetime,
) -> list[Evaluation]:
    """List the waiting evaluations whose images are there and whose data was measured."""
    waiting = work.evaluations_waiting(session, cluster)
    # Held here, they are read once however many evaluations there are.
    kept = work.images_of(session, waiting, probe_image_id), work.uploads_of(session, waiting)
    probe_ready = session.get_one(Image, probe_image_id).state is ImageState.READY

    def look(evaluation: Evaluation) -> Evaluation | None:
        is_built = _image_is_ready(session, evaluation, now=now) and probe_ready
        return evaluation if is_built and measured.has_all_of(evaluation) else None

    found = guard.look(waiting, look, row=_itself)
    del kept
    return [one for one in found if one is not None]


def _is_cancelled(session: Session, evaluation: Evaluation, *, now: datetime) -> bool:
    """Whether an evaluation without a job is to end; if so, it has ended as soon as that may be shown."""
    if evaluation.cancellation is None:
        return False
    cancellation.finish_when_disclosed(session, evaluation, now=now)
    return True


def _image_is_ready(session: Session, evaluation: Evaluation, *, now: datetime) -> bool:
    """Whether all images that the evaluation runs in are there; fails it if one cannot be."""
    if _is_deleted(session, evaluation, now=now):
        return False
    scorer = session.get_one(Image, evaluation.task.scorer_image_id)
    image = session.get_one(Image, evaluation.image_id) if evaluation.image_id else scorer
    if image is not scorer and image.state is ImageState.FAILED:
        reason = FailureReason(image.reason or FailureReason.BUILD_FAILED)
        transitions.fail(
            session, evaluation, reason, now=now, message=image.message, detail=image.detail
        )
        return False
    if image is not scorer and image.state is ImageState.BUILDING:
        # From here on the submission counts, even if it is cancelled.
        transitions.move(session, evaluation, EvaluationState.BUILDING, now=now)
    return image.state is ImageState.READY and scorer.state is ImageState.READY


def _is_deleted(session: Session, evaluation: Evaluation, *, now: datetime) -> bool:
    """Whether what would run was deleted for good, which fails the evaluation.

    An image whose upload is still there is built again instead.
    """
    submission = evaluation.submission
    image = session.get(Image, evaluation.image_id) if evaluation.image_id else None
    needed = []
    if image is None or image.deleted_at is not None:
        needed.append(("upload", session.get_one(Blob, submission.blob_sha256)))
    if submission.weights_id is not None:
        weights = session.get_one(Weights, submission.weights_id)
        needed.append(("file of weights", session.get_one(Blob, weights.blob_sha256)))
    for what, blob in needed:
        if blob.deleted_at is not None:
            detail = f"the {what} was deleted by policy at {blob.deleted_at:%Y-%m-%d %H:%M} UTC"
            transitions.fail(session, evaluation, FailureReason.PREPARATION, now=now, detail=detail)
            return True
    if image is not None and image.deleted_at is not None:
        images.build_again(image, now=now)
    return False
