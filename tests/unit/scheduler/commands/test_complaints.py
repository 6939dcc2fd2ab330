"""Complaints beside a good answer: those about the answer make it incomplete, those of the site do not."""

from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from scheduler.commands.adapter import SlurmCommands
from scheduler.interface import Snapshot, Token
from scheduler.transport import Finished

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOTHING = Finished(returncode=0, stdout=b"", stderr=b"")
TOKENS = {Token("rec-running")}


def queue_that_says(complaint: str) -> Finished:
    return Finished(returncode=0, stdout=b"", stderr=complaint.encode())


def ask(scripted, complaint: str, version: str = "") -> Snapshot:
    transport = scripted(squeue=queue_that_says(complaint), sacct=NOTHING)
    transport.version = Finished(returncode=0, stdout=b"slurm 24.11\n", stderr=version.encode())
    return SlurmCommands(transport, clock=lambda: NOW).snapshot(TOKENS)


@pytest.mark.parametrize(
    "complaint",
    [
        "squeue: error: plugstack.conf: 3: spank_lua.so: plugin not found, ignored\n",
        'squeue: error: _parse_next_key: Parsing error at unrecognized key: "FairShareDampening"\n',
    ],
)
def test_what_is_wrong_with_the_sites_settings_makes_no_answer_incomplete(
    scripted, complaint: str
) -> None:
    assert ask(scripted, complaint).complete


@pytest.mark.parametrize(
    "complaint",
    [
        "squeue: error: one cluster is missing\n",
        "squeue: error: Unable to contact slurm controller (connect failure)\n",
    ],
)
def test_what_may_be_about_the_answer_makes_it_incomplete(scripted, complaint: str) -> None:
    answer = ask(scripted, complaint)

    assert not answer.complete
    assert complaint.strip() in answer.problem


def test_what_a_program_says_of_its_version_as_well_is_not_about_the_answer(scripted) -> None:
    assert ask(scripted, "squeue: error: hello 17\n", version="squeue: error: hello 18\n").complete


def test_both_at_once_are_told_apart(scripted) -> None:
    answer = ask(scripted, "squeue: error: plugstack.conf: x\nsqueue: error: half is missing\n")

    assert not answer.complete
    assert "plugstack" not in answer.problem


def test_each_complaint_of_the_site_is_in_the_log_once(scripted) -> None:
    complaint = "squeue: error: plugstack.conf: {}: plugin not found, ignored\n"
    transport = scripted(squeue=queue_that_says(complaint.format(3)), sacct=NOTHING)
    commands = SlurmCommands(transport, clock=lambda: NOW)

    with capture_logs() as log:
        commands.snapshot(TOKENS)
        transport.answers["squeue"] = queue_that_says(complaint.format(4))
        commands.snapshot(TOKENS)

    assert [entry["says"] for entry in log] == [complaint.format(3).strip()]
