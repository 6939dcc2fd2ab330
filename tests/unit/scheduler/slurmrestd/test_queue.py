"""How often slurmrestd is asked for the whole queue: only where something may have changed."""

from collections.abc import Mapping
from typing import Any

import pytest

from scheduler.interface import JobSpec, Token
from scheduler.slurmrestd.adapter import SlurmRest
from scheduler.slurmrestd.answer import Answer

TOKEN = Token("a1")
OFFER = {"paths": {"/slurm/v0.0.42/job/submit": {}, "/slurmdb/v0.0.42/jobs/": {}}}
UNCHANGED = {
    "jobs": [],
    "errors": [],
    "last_update": {"set": True, "infinite": False, "number": 0},
    "warnings": [{"description": "No job changes since update_time[1795941324]=2026-11-29"}],
}


def queue(*names: str, taken_at: int = 1795941324) -> dict[str, Any]:
    """Return a whole queue as slurmrestd 0.0.42 writes it."""
    number = {"set": True, "infinite": False, "number": 0}
    job = {
        "user_name": "challenge",
        "cluster": "practice",
        "job_state": ["PENDING"],
        "state_reason": "Priority",
        "exit_code": {"return_code": number, "signal": {"id": number}},
        "nodes": "",
        "submit_time": number,
        "start_time": number,
        "end_time": number,
    }
    jobs = [job | {"name": name, "job_id": index + 1} for index, name in enumerate(names)]
    return {
        "jobs": jobs,
        "errors": [],
        "warnings": [],
        "last_update": number | {"number": taken_at},
    }


class ScriptedClient:
    """Answers questions for the queue from a list; there is nothing in accounting, and submissions are taken."""

    user = "challenge"

    def __init__(self, *queues: dict[str, Any]) -> None:
        self.queues = list(queues)
        self.asked: list[Mapping[str, str]] = []

    def ask(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> Answer:
        if path.startswith("/openapi"):
            return Answer(status=200, document=OFFER)
        if method == "POST":
            return Answer(status=200, document={"job_id": 7, "errors": []})
        if path.startswith("/slurmdb"):
            return Answer(status=200, document={"jobs": [], "errors": []})
        self.asked.append(dict(query or {}))
        return Answer(status=200, document=self.queues.pop(0))

    def close(self) -> None:
        """Nothing is open."""


SINCE = {"update_time": "1795941324"}


def test_a_queue_in_which_nothing_has_changed_is_the_one_of_before() -> None:
    client = ScriptedClient(queue("a1"), UNCHANGED, UNCHANGED)
    scheduler = SlurmRest(client)

    found = [scheduler.find(TOKEN) for _ in range(3)]

    assert [(one.complete, set(one.jobs)) for one in found] == [(True, {TOKEN})] * 3
    assert client.asked == [{}, SINCE, SINCE]


def test_a_queue_that_has_changed_is_read_anew() -> None:
    client = ScriptedClient(queue("a1"), queue("b2", taken_at=1795941400), UNCHANGED)
    scheduler = SlurmRest(client)

    found = [set(scheduler.find(TOKEN).jobs) for _ in range(3)]

    assert found == [{TOKEN}, set(), set()]
    assert client.asked == [{}, SINCE, {"update_time": "1795941400"}]


def test_after_a_submission_the_whole_queue_is_read(spec: JobSpec) -> None:
    client = ScriptedClient(queue(), queue("a1"))
    scheduler = SlurmRest(client)
    scheduler.find(TOKEN)
    scheduler.submit(spec, TOKEN)

    assert set(scheduler.find(TOKEN).jobs) == {TOKEN}
    assert client.asked == [{}, {}]


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(UNCHANGED | {"warnings": []}, id="an empty list and no word"),
        pytest.param(UNCHANGED | {"errors": [{"error": "No change in data"}]}, id="an error"),
        pytest.param({"errors": []}, id="no list"),
    ],
)
def test_an_answer_that_does_not_say_so_is_not_taken_for_an_empty_or_unchanged_queue(
    odd: dict[str, Any],
) -> None:
    client = ScriptedClient(queue("a1"), odd, queue("a1"))
    scheduler = SlurmRest(client)
    scheduler.find(TOKEN)

    found = scheduler.find(TOKEN)

    assert (found.complete, set(found.jobs)) == (True, {TOKEN})
    assert client.asked == [{}, SINCE, {}]


def test_where_slurm_does_not_say_when_it_took_the_queue_it_is_always_read_whole() -> None:
    client = ScriptedClient(queue("a1", taken_at=0), queue("a1", taken_at=0))
    scheduler = SlurmRest(client)

    assert all(scheduler.find(TOKEN).jobs for _ in range(2))
    assert client.asked == [{}, {}]
