"""Runs on the public sample: the same way, another input, no score, and a log for the team."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from portal.db.tables import Result, RunLog, Standing, Submission, Task
from portal.domain.accounts.people import Actor
from portal.domain.errors import ParticipantError, QuotaExceededError
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.disclosure import Failures
from portal.domain.submissions.limits import SMOKE_PER_DAY, SubmissionKind
from portal.services.submissions.views import SubmissionPage, submission_page
from portal.worker.prepare.run_directory import prepare
from tests.support.worker.world import World, change_phase


def page_of(world: World, submission: str) -> SubmissionPage:
    with world.database.reading() as session:
        return submission_page(
            session,
            actor=Actor(person_id=world.person, name="Ada"),
            submission_id=submission,
            resources=world.context.resources,
            now=world.clock(),
        )


def test_it_ends_well_without_a_score_and_counts_for_nothing(world: World) -> None:
    submission = world.submit(smoke=True)

    evaluation = world.run_until_final(submission)

    with world.database.reading() as session:
        row = session.get_one(Submission, submission)
        assert session.scalars(select(Result)).all() == []
        assert session.scalars(select(Standing)).all() == []
    assert evaluation.state is EvaluationState.SCORED
    assert (row.is_smoke, row.counts) == (True, False)
    assert [kind for kind, _ in world.node.ran].count("score") == 0


def test_it_differs_from_a_run_for_a_score_in_its_input_and_one_word(world: World) -> None:
    scripts = []
    for smoke in (False, True):
        world.run_until_final(world.submit(smoke=smoke))
        attempt = world.attempts("predict")[-1]
        script = prepare(world.context, attempt.token).script
        directory = str(world.context.cluster.run_directory(attempt.job_id, attempt.token))
        scripts.append(script.replace(directory, "RUN").replace(attempt.token, "TOKEN"))

    changed = [
        (before, after)
        for before, after in zip(*(text.splitlines() for text in scripts), strict=True)
        if before != after
    ]
    storage = world.context.cluster.storage
    for before, after in changed:
        assert "SEALRUN_SMOKE" in before or "/input:ro" in before
        assert "SEALRUN_SMOKE=1" in after or f"{storage}/samples/" in after
    assert "data/test" not in scripts[1]
    assert "data/truth" not in scripts[1]


def test_its_team_reads_what_it_wrote_also_where_everything_else_is_sealed(world: World) -> None:
    change_phase(world, failures=Failures.SEALED)
    world.node.predict = lambda output: 3
    smoke, scored = world.submit(smoke=True), world.submit()
    for submission in (smoke, scored):
        world.run_until_final(submission)
    with world.database.writing() as session:
        for attempt in world.attempts("predict"):
            session.add(
                RunLog(
                    attempt_token=attempt.token, stream="stderr", text="line 3 is wrong",
                    truncated=False,
                )
            )  # fmt: skip

    shown, sealed = page_of(world, smoke), page_of(world, scored)

    assert [log.text for log in shown.smoke_logs] == ["line 3 is wrong"]
    assert shown.evaluations[0].reason is FailureReason.EXIT_CODE
    assert sealed.smoke_logs == ()
    assert sealed.evaluations[0].reason is FailureReason.NO_RESULT


def no_sample(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Task).values(sample_sha256=None))


@pytest.mark.parametrize(
    "change", [no_sample, lambda world: change_phase(world, logs="sealed")], ids=["sample", "logs"]
)
def test_where_none_are_offered_that_is_said(world: World, change: Callable[[World], None]) -> None:
    change(world)

    with pytest.raises(ParticipantError, match="has no runs on a public sample") as refused:
        world.submit(smoke=True)

    assert refused.value.reason == "smoke"


def test_results_have_no_log_to_see(world: World) -> None:
    with pytest.raises(ParticipantError, match="Results are not run"):
        world.submit(SubmissionKind.RESULTS, b"id,digit\n", smoke=True)


def test_one_at_a_time_and_so_many_a_day(world: World) -> None:
    submission = world.submit(smoke=True)
    with pytest.raises(ParticipantError, match="Wait until your team's run on the sample"):
        world.submit(smoke=True)
    world.run_until_final(submission)
    with world.database.writing() as session:
        row = session.get_one(Submission, submission)
        for number in range(SMOKE_PER_DAY - 1):
            session.add(
                Submission(
                    id=f"smoke{number}", challenge_id=row.challenge_id, phase_id=row.phase_id,
                    team_id=row.team_id, person_id=row.person_id, kind=row.kind,
                    blob_sha256=row.blob_sha256, filename="a", is_smoke=True, counts=False,
                    created_at=row.created_at,
                )
            )  # fmt: skip

    with pytest.raises(QuotaExceededError, match="its 20 runs on the sample of today"):
        world.submit(smoke=True)

    assert world.submit()


def test_it_comes_before_what_waits_for_a_score(world: World) -> None:
    profiles = world.context.resources.profiles
    one = replace(profiles["gpu-small"], running=1, exclusive=True)
    world.context = replace(
        world.context,
        resources=replace(world.context.resources, profiles={**profiles, "gpu-small": one}),
    )
    world.run_until_final(world.submit())
    first, second = world.submit(), world.submit(smoke=True)

    world.run()

    assert world.evaluation(first).state is EvaluationState.WAITING
    assert world.evaluation(second).state is not EvaluationState.WAITING


def test_its_team_is_told_which_file_is_missing(world: World) -> None:
    change_phase(world, failures=Failures.SEALED)

    def writes_another(output: Path) -> int:
        (output / "prediction.csv").write_text("id,digit\n")
        return 0

    world.node.predict = writes_another
    submission = world.submit(smoke=True)
    world.run_until_final(submission)

    [evaluation] = page_of(world, submission).evaluations
    assert evaluation.reason is FailureReason.NO_OUTPUT
    assert evaluation.message == "The run did not write 'predictions.csv' to /output."
