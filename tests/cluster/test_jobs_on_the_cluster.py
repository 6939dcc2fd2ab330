"""What ran on the cluster is what the portal wrote down, and what came of it is right."""

from collections import Counter

import pytest

from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import AttemptState, EvaluationState
from tests.support.cluster.spine import Spine

pytestmark = pytest.mark.cluster

Everything = tuple[Spine, dict[str, str]]


def test_the_cluster_ran_exactly_the_portals_attempts_once_each(everything: Everything) -> None:
    spine, _ = everything
    attempts = spine.attempts()

    jobs = spine.accounting()

    assert {attempt.state for attempt, _ in attempts} == {AttemptState.COLLECTED}
    assert sorted((job.name, job.job_id) for job in jobs) == [
        (attempt.token, attempt.cluster_job_id) for attempt, _ in attempts
    ]


def test_each_job_needed_one_attempt(everything: Everything) -> None:
    spine, submissions = everything
    attempts = spine.attempts()

    numbers = Counter(attempt.number for attempt, _ in attempts)
    kinds = Counter(job.kind for _, job in attempts)

    runs = [name for name in submissions if not name.endswith(".csv")]
    no_output = {"exit_code", "time_limit", "memory_limit", "output_limit", "no_output"}
    failed_before = [why for why in spine.expected_failures().values() if why in no_output]
    assert numbers == {1: len(attempts)}
    assert kinds == {
        # The data and the truth, before anything reads them.
        JobKind.MEASURE: 2,
        # Probe, scorer and base beside what was submitted.
        JobKind.BUILD: len(runs) + 3,
        JobKind.PREDICT: len(runs),
        JobKind.SCORE: len(submissions) - len(failed_before),
    }


def test_only_predictions_get_a_gpu(everything: Everything) -> None:
    spine, _ = everything
    kinds = {attempt.token: job.kind for attempt, job in spine.attempts()}

    with_gpu = {
        (kinds[job.name], "gres/gpu=1" in job.resources, any("gpu" in r for r in job.resources))
        for job in spine.accounting()
    }

    assert with_gpu == {
        (JobKind.MEASURE, False, False),
        (JobKind.BUILD, False, False),
        (JobKind.PREDICT, True, True),
        (JobKind.SCORE, False, False),
    }


def test_honest_submissions_get_exactly_their_scores(everything: Everything) -> None:
    spine, submissions = everything
    evaluations, results = spine.evaluations(), spine.results()

    scores = {name: results[submissions[name]].scores for name in spine.expected()}
    states = {evaluations[submissions[name]].state for name in spine.expected()}

    assert scores == spine.expected()
    assert states == {EvaluationState.SCORED}


def test_bad_submissions_fail_for_their_reasons(everything: Everything) -> None:
    spine, submissions = everything
    evaluations, results = spine.evaluations(), spine.results()

    reasons = {name: evaluations[submissions[name]].reason for name in spine.expected_failures()}

    assert reasons == spine.expected_failures()
    assert set(results) == {submissions[name] for name in spine.expected()}


def test_seal_records_name_the_jobs_that_the_cluster_has(everything: Everything) -> None:
    spine, submissions = everything
    on_cluster = {(job.name, job.job_id) for job in spine.accounting()}

    seals = {name: spine.results()[submissions[name]].seal for name in spine.expected()}

    for name, seal in seals.items():
        parts = [seal[part] for part in ("predict", "score") if seal[part] is not None]
        assert len(parts) == (1 if name.endswith(".csv") else 2)
        assert {(part["token"], part["job_id"]) for part in parts} <= on_cluster
        assert {part["state"] for part in parts} == {"COMPLETED"}
        # The nodes are named for the site.
        assert [part["nodes"].rpartition("-")[2] for part in parts] == (
            ["build"] if name.endswith(".csv") else ["gpu", "build"]
        )
