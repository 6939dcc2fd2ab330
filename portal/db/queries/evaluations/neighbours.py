"""What lives on the nodes of the clusters, and how much each of it tells."""

from typing import NamedTuple

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from portal.db.queries.evaluations.shares import TAKES_PLACE
from portal.db.queries.evaluations.work import open_or_scoring
from portal.db.tables import NOT_A_RERUN, Evaluation, Job, Phase, Submission
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.disclosure import Failures


class Living(NamedTuple):
    """Jobs that are alike: of one profile, and for submissions of one kind to phases of one kind."""

    cluster: str
    profile: str
    kind: JobKind
    is_smoke: bool | None
    """This and what follows is None for jobs that are for no evaluation."""
    failures: Failures | None
    challenge_id: str | None
    places: int
    """How many places of the profile they take; none where only neighbours are kept away."""


def living(session: Session) -> list[Living]:
    """List what lives, each kind of job once, and how many there are of it.

    A job lives from when it is written down until its end was ingested, so also while nobody knows
    whether the cluster has it, and while it is being cancelled. Where the end of an evaluation is
    held back, its prediction lives until then: what begins after it would tell when it ended.
    """
    is_held = and_(
        Job.kind == JobKind.PREDICT,
        Evaluation.state == EvaluationState.SCORING,
        NOT_A_RERUN,
        Phase.hold_results,
        Phase.failures == Failures.SEALED,
    )
    alike = (
        Job.cluster,
        Job.profile,
        Job.kind,
        Submission.is_smoke,
        Phase.failures,
        Submission.challenge_id,
    )
    rows = session.execute(
        select(*alike, func.count(case((TAKES_PLACE, 1))))
        .outerjoin(Evaluation, Evaluation.id == Job.evaluation_id)
        .outerjoin(Submission, Submission.id == Evaluation.submission_id)
        .outerjoin(Phase, Phase.id == Submission.phase_id)
        .where(Job.id.in_(open_or_scoring()), or_(Job.is_open, is_held))
        .group_by(*alike)
    )
    return [Living(*row) for row in rows]
