"""What lives on the nodes of the clusters, and how much each of it tells."""

from typing import NamedTuple

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from portal.db.tables import Evaluation, Job, Phase, Submission
from portal.domain.jobs import JobKind
from portal.domain.sealing import Failures
from portal.domain.states import EvaluationState


class Living(NamedTuple):
    """Jobs that are alike: of one profile, and for submissions of one kind to phases of one kind."""

    cluster: str
    profile: str
    kind: JobKind
    is_smoke: bool | None
    """This and what follows is None for jobs that are for no evaluation."""
    failures: Failures | None
    challenge_id: str | None


def living(session: Session) -> list[Living]:
    """List what lives, each kind of job once.

    A job lives from when it is written down until its end was taken in, so also while nobody knows
    whether the cluster has it, and while it is being cancelled. Where the end of an evaluation is
    held back, its prediction lives until then: what begins after it would tell when it ended.
    """
    is_held = and_(
        Job.kind == JobKind.PREDICT,
        Evaluation.state == EvaluationState.SCORING,
        Evaluation.rerun_of.is_(None),
        Phase.hold_results,
        Phase.failures == Failures.SEALED,
    )
    rows = session.execute(
        select(
            Job.cluster,
            Job.profile,
            Job.kind,
            Submission.is_smoke,
            Phase.failures,
            Submission.challenge_id,
        )
        .outerjoin(Evaluation, Evaluation.id == Job.evaluation_id)
        .outerjoin(Submission, Submission.id == Evaluation.submission_id)
        .outerjoin(Phase, Phase.id == Submission.phase_id)
        .where(or_(Job.is_open, is_held))
        .distinct()
    )
    return [Living(*row) for row in rows]
