"""The tables of the waits: what each step took, and what of it is the portal's."""

from collections.abc import Callable, Sequence
from datetime import datetime

from tests.bench.report import median_and_worst, print_table
from tests.bench.waits.spans import JobTimes, Way

ALLOWED = 4.0
"""Seconds that the portal may add to what Slurm takes."""

Measure = Callable[[Way], float]


def show(code: Sequence[Way], results: Sequence[Way], together: Sequence[Way]) -> None:
    """Print what each step took."""
    _show(f"Code, {len(code)} submissions one after the other, image already built", code)
    _show(f"Results, {len(results)} submissions one after the other", results)
    _show(f"Code, {len(together)} submissions at once", together)
    print(
        "\nThe portal's times are to the microsecond and those of the jobs are of files that their\n"
        "scripts write (one clock: both are on this machine). Slurm's own times, in the line that\n"
        "says so, are whole seconds: a difference of two of them can be wrong by one second. Slurm\n"
        "takes some time to end a job after its script has ended; that is counted as the portal's."
    )


def added(way: Way) -> float:
    """What the portal adds from submitting to the first start, and from the last end to the score."""
    return portal_before(way) + _seconds(way.score.done, way.scored)


def portal_before(way: Way) -> float:
    """From submitting until the cluster has the first job: planning, preparing, sbatch."""
    return _seconds(way.submitted, way.first.accepted)


def portal_between(way: Way) -> float:
    """From the end of predicting until the cluster has the scoring job."""
    return _seconds(way.predict.done, way.score.accepted) if way.predict else 0.0


def _show(title: str, ways: Sequence[Way]) -> None:
    rows = [["", "median s", "worst s"]]
    measures = [*_before(), *(_between() if ways[0].predict else []), *_after()]
    for name, measure in measures:
        values = [measure(way) for way in ways]
        rows.append(median_and_worst(name, values))
    print_table(title, rows)


def _before() -> list[tuple[str, Measure]]:
    return [
        ("submitted -> first job starts", lambda w: _seconds(w.submitted, w.first.claimed)),
        ("  submitted -> planned", lambda w: _seconds(w.submitted, w.first.planned)),
        ("  planned -> prepared", lambda w: _seconds(w.first.planned, w.first.sending)),
        ("  sbatch", lambda w: _seconds(w.first.sending, w.first.accepted)),
        ("  accepted -> started (Slurm)", lambda w: _queued(w.first)),
        ("  Slurm's own Submit -> Start, whole s", lambda w: _in_slurm(w.first)),
    ]


def _between() -> list[tuple[str, Measure]]:
    return [
        ("predicted -> scoring job accepted", portal_between),
        ("  predicted -> taken in", lambda w: _seconds(_predict(w).done, w.score.planned)),
        ("  prepared and sbatch", lambda w: _seconds(w.score.planned, w.score.accepted)),
        ("scoring accepted -> started (Slurm)", lambda w: _queued(w.score)),
    ]


def _after() -> list[tuple[str, Measure]]:
    return [
        ("scored -> score written", lambda w: _seconds(w.score.done, w.scored)),
        (f"added by the portal (at most {ALLOWED:g} s)", added),
        ("added, with the step between the jobs", lambda w: added(w) + portal_between(w)),
        ("submitted -> score written", lambda w: _seconds(w.submitted, w.scored)),
    ]


def show_runs(ways: Sequence[Way], by_hand: Sequence[float]) -> None:
    """Print what a sealed run takes beside its two Apptainer commands, run by hand."""
    jobs = [_predict(way) for way in ways]
    rows = [
        ["", "median s", "worst s"],
        median_and_worst("the whole script", [_seconds(job.claimed, job.done) for job in jobs]),
        median_and_worst(
            "  claim, versions, digests, probe", [_seconds(job.claimed, job.probed) for job in jobs]
        ),
        median_and_worst("  the image", [_seconds(job.probed, job.ran) for job in jobs]),
        median_and_worst("  tidying up", [_seconds(job.ran, job.done) for job in jobs]),
        median_and_worst("probe and image by hand", by_hand),
    ]
    print_table(f"Inside the job, {len(jobs)} sealed runs to predict", rows)


def _predict(way: Way) -> JobTimes:
    assert way.predict is not None
    return way.predict


def _seconds(begin: datetime, end: datetime) -> float:
    return (end - begin).total_seconds()


def _queued(job: JobTimes) -> float:
    return _seconds(job.accepted, job.claimed)


def _in_slurm(job: JobTimes) -> float:
    return _seconds(job.slurm_submit, job.slurm_start)
