"""What came of a scene: from Slurm's accounting, from the run directories and from the database."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from portal.db.tables import Attempt, Event, Job
from portal.domain.evaluations.failures import FAILURES
from portal.domain.evaluations.states import AttemptState, EvaluationState
from tests.faults.scenes import Played, attempts_of, directory_of
from tests.faults.stage import QUICK, SLOW, Stage
from tests.support.cluster.spine import CLOSED, LOST_THE_CLAIM, ClusterJob
from tests.support.patience import PATIENCE

SAME_SCORES = {SLOW: QUICK}
LASTING = ("PENDING", "RUNNING", "COMPLETING")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    fault: str
    moment: str
    ended: str
    jobs: int
    attempts: int
    what: str
    seconds: float
    """From the end of the fault until the evaluation had ended; 0 where it had before."""


def rows_of(stage: Stage, played: Played) -> list[Row]:
    """Return a row for each submission of the scene."""
    return [_row(stage, played, moment, played.moments[moment]) for moment in played.moments]


def _row(stage: Stage, played: Played, moment: str, submission: str) -> Row:
    evaluation = stage.spine.evaluations()[submission]
    tries = attempts_of(stage, submission)
    with stage.spine.site.database.reading() as session:
        events = session.scalars(select(Event).where(Event.evaluation_id == evaluation.id)).all()
    ended = max(event.at for event in events).timestamp()
    return Row(
        fault=played.fault,
        moment=moment,
        ended=f"{evaluation.state.value} {evaluation.reason or ''}".strip(),
        jobs=len({job.id for _, job in tries}),
        attempts=len(tries),
        what="; ".join(sorted({word for attempt, _ in tries if (word := _what(attempt))})),
        seconds=round(max(0.0, ended - played.healed), 1),
    )


def _what(attempt: Attempt) -> str:
    """Return what was unusual about an attempt, in a few words."""
    if attempt.state is AttemptState.LOST:
        return f"given up ({attempt.problem})"
    if attempt.state is AttemptState.COLLECTED and attempt.outcome != "completed":
        return f"{attempt.outcome or 'not sent'}: {attempt.problem.partition(';')[0] or 'final'}"
    return "answer unclear, job found by its name" if attempt.problem else ""


FORGETS = "slurmctld killed and restarted"
"""The fault after which a controller knows only what it had saved."""


def wrong(stage: Stage, played: Played) -> list[str]:
    """Return what is not as it has to be, a sentence each: empty where all was done exactly once."""
    found = []
    on_cluster = _ended_jobs(stage, played)
    for submission, file in played.files.items():
        tries = attempts_of(stage, submission)
        problems = [
            *_wrong_end(stage, submission, SAME_SCORES.get(file, file)),
            *_wrong_attempts(stage, tries),
            *_wrong_runs(stage, tries, on_cluster, forgets=played.fault == FORGETS),
        ]
        found += [f"{file} {submission}: {problem}" for problem in problems]
    return found


def _wrong_end(stage: Stage, submission: str, file: str) -> list[str]:
    """Check that the evaluation is scored once and rightly, or failed without counting."""
    evaluation = stage.spine.evaluations()[submission]
    results = stage.spine.results()
    with stage.spine.site.database.reading() as session:
        events = session.scalars(select(Event).where(Event.evaluation_id == evaluation.id)).all()
    finals = [event.state.value for event in events if event.state.is_final]
    if len(finals) != 1:
        return [f"it ended {len(finals)} times: {finals}"]
    if evaluation.state is EvaluationState.SCORED:
        scores = results[submission].scores
        expected = stage.spine.expected()[file]
        return [] if scores == expected else [f"its scores are {scores}, not {expected}"]
    if evaluation.reason is None or FAILURES[evaluation.reason].counts:
        return [f"it ended as {evaluation.state}, {evaluation.reason}: {evaluation.detail}"]
    return []


def _wrong_attempts(stage: Stage, tries: Sequence[tuple[Attempt, Job]]) -> list[str]:
    return [
        f"{attempt.token} is {attempt.state}, its job {'open' if job.is_open else 'closed'}"
        for attempt, job in tries
        if attempt.state not in CLOSED or job.is_open
    ]


def _wrong_runs(
    stage: Stage,
    tries: Sequence[tuple[Attempt, Job]],
    on_cluster: Sequence[ClusterJob],
    *,
    forgets: bool,
) -> list[str]:
    """Check that of each job one attempt ended, and of each attempt one job at the most ran.

    A controller that ``forgets`` starts a job again that its node runs. Accounting then has the end of the second
    start in place of the first: it lost the claim, or was cancelled.
    """
    found = []
    ran = Counter(one.name for one in on_cluster if _ran(one, on_cluster))
    for attempt, job in tries:
        claimed = (directory_of(stage, attempt, job) / "claim/token").exists()
        known = [one for one in on_cluster if one.name == attempt.token]
        rows = [(one.job_id, one.state, one.exit_code) for one in known]
        if ran[attempt.token] > 1:
            found.append(f"{attempt.token} ran {ran[attempt.token]} times: {rows}")
        overwritten = forgets and any(_came_to_nothing(one) for one in known)
        if claimed and not ran[attempt.token] and not overwritten:
            found.append(f"{attempt.token} has the claim, but did not run by accounting: {rows}")
    done = Counter(
        job.id
        for attempt, job in tries
        if (directory_of(stage, attempt, job) / "done").exists()
        and attempt.state is AttemptState.COLLECTED
    )
    jobs = {job.id for _, job in tries}
    return found + [f"the job {one} was done {done[one]} times" for one in jobs if done[one] != 1]


def _ran(job: ClusterJob, jobs: Sequence[ClusterJob]) -> bool:
    """Whether it did anything. What was forgotten is pending for ever, and a late one loses the claim.

    What never reached its node ends as NODE_FAIL, and Slurm starts it again under its number: then it is the
    second start that did it, which would have lost the claim to a first one.
    """
    if _came_to_nothing(job) or job.state.startswith("PENDING"):
        return False
    again = [one for one in jobs if one.job_id == job.job_id and one is not job]
    return not (
        job.state == "NODE_FAIL" and any(_ran(one, ()) for one in again if one.state != "NODE_FAIL")
    )


def _came_to_nothing(job: ClusterJob) -> bool:
    return job.exit_code == LOST_THE_CLAIM or job.state.startswith("CANCELLED")


def _ended_jobs(stage: Stage, played: Played) -> list[ClusterJob]:
    """Return what accounting has of the scene, once it knows the end of all that ran."""
    tokens = {
        attempt.token
        for submission in played.files
        for attempt, _ in attempts_of(stage, submission)
        if attempt.state is AttemptState.COLLECTED and attempt.cluster_job_id
    }
    # slurmdbd has to catch up with what slurmctld kept for it.
    deadline = time.monotonic() + PATIENCE
    while True:
        jobs = stage.spine.accounting()
        ended = {one.name for one in jobs if one.state not in LASTING}
        if tokens <= ended:
            return jobs
        assert time.monotonic() < deadline, f"accounting does not know the end of {tokens - ended}"
        time.sleep(0.5)
