"""What a team needs in an earlier phase before it can submit to another: looked at in one place, for pages and transactions."""

from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from portal.db.tables import Evaluation, Phase, PhaseAdmission, Submission, SubmissionMark
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards.marks import OFF_THE_BOARD
from portal.domain.submissions import admission
from portal.domain.submissions.admission import Needs, Prerequisite, Progress
from portal.services.leaderboards.team_ranks import rank_in


def check(session: Session, phase: Phase, team_id: str | None, *, now: datetime) -> None:
    """Refuse a team that lacks what a phase asks for. Raises ``NotAllowedError``."""
    found = _asked(session, phase)
    if found is not None:
        asked, earlier = found
        admission.check(asked, _progress(session, phase, earlier, team_id, now=now))


def lacking(session: Session, phase: Phase, team_id: str | None, *, now: datetime) -> str:
    """Return in a sentence what a team lacks for a phase; empty for nothing."""
    found = _asked(session, phase)
    if found is None:
        return ""
    asked, earlier = found
    return admission.lacking(asked, _progress(session, phase, earlier, team_id, now=now))


def _asked(session: Session, phase: Phase) -> tuple[Prerequisite, Phase] | None:
    if phase.after_slug is None or phase.after_needs is None:
        return None
    earlier = session.scalars(
        select(Phase).where(
            Phase.challenge_id == phase.challenge_id, Phase.slug == phase.after_slug
        )
    ).one()
    asked = Prerequisite(phase=earlier.title, needs=phase.after_needs, rank=phase.after_rank)
    return asked, earlier


def _progress(
    session: Session, phase: Phase, earlier: Phase, team_id: str | None, *, now: datetime
) -> Progress:
    """Return how far a team is with what the phase asks for, and nothing of anything else."""
    is_over = now >= earlier.ends_at
    if team_id is None:
        return Progress(is_over=is_over)
    match phase.after_needs:
        case Needs.SCORED:
            return Progress(has_score=_has_score(session, earlier, team_id))
        case Needs.RANK:
            rank = rank_in(session, earlier, team_id) if is_over else None
            return Progress(is_over=is_over, rank=rank)
        case _:
            admitted = session.get(PhaseAdmission, (phase.id, team_id))
            return Progress(is_admitted=admitted is not None)


def _has_score(session: Session, phase: Phase, team_id: str) -> bool:
    """Whether a submission of a team is scored on every task, and nobody has taken it off the board."""
    mine = aliased(Evaluation)
    unfinished = exists().where(
        mine.submission_id == Submission.id,
        func.coalesce(mine.rerun_of, "") == "",
        mine.state != EvaluationState.SCORED,
    )
    off_the_board = exists().where(
        SubmissionMark.submission_id == Submission.id, SubmissionMark.mark.in_(OFF_THE_BOARD)
    )
    found = select(Submission.id).where(
        Submission.phase_id == phase.id,
        Submission.team_id == team_id,
        ~Submission.is_smoke,
        ~unfinished,
        ~off_the_board,
    )
    return session.scalar(found.limit(1)) is not None
