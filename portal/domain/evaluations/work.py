"""What one attempt does, in values that were looked at: the worker's own copy of what rows say.

``portal.worker.boundary`` makes these; nothing else of the database reaches a path, a command or a seal.
"""

from dataclasses import dataclass
from datetime import datetime

from portal.domain.challenges.task_approvals import ApprovedColumn, ApprovedTask
from portal.domain.evaluations.jobs import ImageKind, JobKind
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.untrusted import FileName, Id, Sha256, Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """A job on this worker's cluster."""

    id: Id
    kind: JobKind
    cluster: str
    profile: str
    """Of what is prepared a name that the site's settings have on this cluster; only ever looked up there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """A SIF that is there, and a note beside it that says what it is made of."""

    sif_sha256: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFacts:
    """The image that code is laid over."""

    sif_sha256: Sha256
    source_sha256: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildWork:
    """An image to build."""

    job: JobFacts
    image_id: Id
    kind: ImageKind
    source_sha256: Sha256
    base: BaseFacts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureWork:
    """A data directory to measure."""

    job: JobFacts
    snapshot_id: Id
    name: str
    """A name that the site's settings have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationFacts:
    """Which evaluation it is."""

    id: Id
    rerun_of: Id | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionFacts:
    """What was submitted. Who did so and when is what the portal says: nobody else can know."""

    id: Id
    team_id: Id
    kind: SubmissionKind
    blob_sha256: Sha256
    filename: FileName
    is_smoke: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeFacts:
    """Which challenge it is, and what its scores are."""

    slug: Slug
    columns: dict[str, ApprovedColumn]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseFacts:
    """What may be disclosed of a run, as an operator approved it."""

    slug: Slug
    is_sealed: bool
    hold_results: bool
    time_step: int
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFacts:
    """A file that the run finds at ``/weights``."""

    blob_sha256: Sha256
    filename: str
    """As the browser called it: ``domain.weights`` says what becomes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlace:
    """What names a run directory."""

    job_id: Id
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWork:
    """A prediction or a scoring, with all that it refers to."""

    job: JobFacts
    evaluation: EvaluationFacts
    submission: SubmissionFacts
    challenge: ChallengeFacts
    phase: PhaseFacts
    task_slug: Slug
    task: ApprovedTask
    image: ImageFacts
    """The submission's image to predict, the scorer's to score."""
    probe: ImageFacts
    weights: WeightsFacts | None
    predict: RunPlace | None
    """The run whose output is scored; None to predict, and for results."""


Work = BuildWork | MeasureWork | RunWork
