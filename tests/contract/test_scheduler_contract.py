"""What every scheduler must do. Each adapter runs these same tests."""

from dataclasses import replace

import pytest

from scheduler.interface import (
    Accepted,
    Indeterminate,
    Outcome,
    Phase,
    Refused,
    Snapshot,
    Token,
)
from tests.support.cluster.labs import Lab, wait_for

ALIVE = {Phase.PENDING, Phase.RUNNING}
FOREVER = "sleep 50"


def test_a_submitted_job_is_accepted_and_found(lab: Lab) -> None:
    token = lab.new_token()

    answer = lab.scheduler.submit(lab.spec("exit 0"), token)

    assert isinstance(answer, Accepted)
    found = lab.scheduler.find(token)
    assert (found.complete, set(found.jobs)) == (True, {token})
    assert [report.ref.job_id for report in found.jobs[token]] == [answer.ref.job_id]


def test_phases_come_in_order(lab: Lab, ordered: tuple[Phase, ...]) -> None:
    token = lab.new_token()
    lab.scheduler.submit(lab.spec("sleep 1; exit 0"), token)

    seen = [Phase.PENDING]
    while seen[-1] is not Phase.ENDED:
        seen.append(wait_for(lab, token, *ordered[ordered.index(seen[-1]) :]).phase)
        lab.tick()

    assert Phase.RUNNING in seen
    assert seen == sorted(seen, key=ordered.index)


def test_success_is_completed_with_exit_code_zero(lab: Lab) -> None:
    token = lab.new_token()
    lab.scheduler.submit(lab.spec("exit 0"), token)

    report = wait_for(lab, token, Phase.ENDED)

    assert (report.outcome, report.exit_code, report.signal) == (Outcome.COMPLETED, 0, None)
    assert report.submitted_at is not None
    assert report.started_at is not None
    assert report.ended_at is not None
    assert report.submitted_at <= report.started_at <= report.ended_at
    assert report.nodes


def test_the_scripts_exit_code_is_reported(lab: Lab) -> None:
    token = lab.new_token()
    lab.scheduler.submit(lab.spec("exit 7"), token)

    report = wait_for(lab, token, Phase.ENDED)

    assert (report.outcome, report.exit_code, report.signal) == (Outcome.FAILED, 7, None)


def test_a_living_job_has_no_outcome_and_no_end(lab: Lab) -> None:
    token = lab.new_token()
    lab.scheduler.submit(lab.spec(FOREVER), token)

    report = wait_for(lab, token, Phase.RUNNING)

    assert (report.outcome, report.exit_code, report.ended_at) == (None, None, None)


def test_a_running_job_can_be_cancelled(lab: Lab) -> None:
    token = lab.new_token()
    lab.scheduler.submit(lab.spec(FOREVER), token)
    wait_for(lab, token, Phase.RUNNING)

    lab.scheduler.cancel(token)

    report = wait_for(lab, token, Phase.ENDED)
    assert (report.outcome, report.exit_code) == (Outcome.CANCELLED, None)


def test_cancelling_twice_or_after_the_end_is_no_error(lab: Lab) -> None:
    token = lab.new_token()
    lab.scheduler.submit(lab.spec("exit 0"), token)
    wait_for(lab, token, Phase.ENDED)

    lab.scheduler.cancel(token)
    lab.scheduler.cancel(token)

    assert wait_for(lab, token, Phase.ENDED).outcome is Outcome.COMPLETED


def test_cancelling_what_does_not_exist_is_no_error(lab: Lab) -> None:
    lab.scheduler.cancel(lab.new_token())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"partition": "nowhere"}, "partition", id="partition"),
        pytest.param({"partition": "x --wrap=id"}, "partition", id="an option as partition"),
        pytest.param({"account": "nobody"}, "account", id="account"),
        pytest.param({"account": "challenges --uid=0"}, "account", id="an option as account"),
    ],
)
def test_a_clear_refusal_leaves_no_job(lab: Lab, change: dict[str, str], reason: str) -> None:
    token = lab.new_token()

    answer = lab.scheduler.submit(lab.spec("exit 0", **change), token)

    assert isinstance(answer, Refused)
    assert answer.reason == reason
    found = lab.scheduler.find(token)
    assert (found.complete, found.jobs) == (True, {})


def test_a_token_that_was_submitted_twice_has_two_reports_newest_first(lab: Lab) -> None:
    token = lab.new_token()
    answers = [lab.scheduler.submit(lab.spec("exit 0"), token) for _ in range(2)]

    reports = lab.scheduler.snapshot([token]).jobs[token]

    ids = [answer.ref.job_id for answer in answers if isinstance(answer, Accepted)]
    assert [report.ref.job_id for report in reports] == ids[::-1]


def test_cancelling_a_token_stops_every_job_of_it(lab: Lab) -> None:
    token = lab.new_token()
    for _ in range(2):
        lab.scheduler.submit(lab.spec(FOREVER), token)

    lab.scheduler.cancel(token)

    wait_for(lab, token, Phase.ENDED)
    reports = lab.scheduler.snapshot([token]).jobs[token]
    assert not {report.phase for report in reports} & ALIVE


def test_an_unknown_token_is_not_seen_and_the_answer_is_complete(lab: Lab) -> None:
    known, unknown = lab.new_token(), lab.new_token()
    lab.scheduler.submit(lab.spec("exit 0"), known)

    for snapshot in (lab.scheduler.snapshot([known, unknown]), lab.scheduler.find(unknown)):
        assert snapshot.complete
        assert unknown not in snapshot.jobs


def test_a_token_that_begins_another_is_not_mistaken_for_it(lab: Lab) -> None:
    token = lab.new_token()
    lab.scheduler.submit(lab.spec("exit 0"), Token(f"{token}-2"))

    assert lab.scheduler.find(token).jobs == {}
    lab.scheduler.cancel(Token(f"{token}-2"))


def test_an_empty_question_is_complete(lab: Lab) -> None:
    answer = lab.scheduler.snapshot([])

    assert answer == Snapshot(complete=True, taken_at=answer.taken_at)


def test_times_are_aware(lab: Lab) -> None:
    assert lab.scheduler.snapshot([]).taken_at.tzinfo is not None


def test_ping_names_the_release(lab: Lab) -> None:
    pong = lab.scheduler.ping()

    assert pong.version.count(".") == 2
    assert pong.message_timeout.total_seconds() > 0


@pytest.mark.parametrize("token", ["", "Upper", "a b", "--wrap=id", "x" * 61])
def test_what_is_no_token_is_refused_before_anything_happens(lab: Lab, token: str) -> None:
    with pytest.raises(ValueError, match="not a token"):
        lab.scheduler.submit(lab.spec("exit 0"), Token(token))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"script": "echo"}, id="no interpreter"),
        pytest.param({"script": "#!/bin/sh\n#SBATCH --uid=0\n"}, id="a directive"),
        pytest.param({"memory_mib": 0}, id="all memory"),
    ],
)
def test_a_specification_that_cannot_be_meant_is_an_error(
    lab: Lab, change: dict[str, object]
) -> None:
    token = lab.new_token()

    with pytest.raises(ValueError, match=r"must be positive|the script"):
        lab.scheduler.submit(replace(lab.spec("exit 0"), **change), token)

    assert lab.scheduler.find(token).jobs == {}


def test_a_specification_is_not_changed(lab: Lab) -> None:
    spec = lab.spec("exit 0")
    before = replace(spec)

    lab.scheduler.submit(spec, lab.new_token())

    assert spec == before


def test_a_lost_reply_is_indeterminate_and_the_job_is_there_once(lab: Lab) -> None:
    token = lab.new_token()
    spec = lab.spec("exit 0")
    lab.scheduler.ping()

    with lab.losing_replies():
        answer = lab.scheduler.submit(spec, token)

    assert isinstance(answer, Indeterminate)
    wait_for(lab, token, Phase.ENDED)
    found = lab.scheduler.find(token)
    assert (found.complete, len(found.jobs[token])) == (True, 1)
