from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath

import pytest

from scheduler.commands.sbatch import read_sbatch, sbatch_argv
from scheduler.interface import Accepted, Indeterminate, JobRef, JobSpec, Token
from scheduler.transport import Finished
from tests.support.recordings.answers import RELEASES, recorded


def test_every_option_is_one_argument(spec: JobSpec) -> None:
    assert sbatch_argv(spec, Token("a1-predict"), export="NIL") == [
        "sbatch",
        "--parsable",
        "--job-name=a1-predict",
        "--export=NIL",
        "--no-requeue",
        "--kill-on-invalid-dep=yes",
        "--ignore-pbs",
        "--nodes=1",
        "--ntasks=1",
        "--partition=gpu",
        "--account=challenges",
        "--qos=challenge",
        "--gres=gpu:1",
        "--comment=sealrun predict",
        "--cpus-per-task=8",
        "--mem=32768M",
        "--time=60",
        "--chdir=/shared/attempt",
        "--input=none",
        "--output=/shared/attempt/stdout",
        "--error=/shared/attempt/stderr",
        "--open-mode=truncate",
    ]


def test_what_is_absent_gives_no_option(spec: JobSpec) -> None:
    bare = replace(spec, account=None, qos=None, gres=None, comment="")

    names = {word.split("=")[0] for word in sbatch_argv(bare, Token("a1"), export="NIL")}

    assert not names & {"--account", "--qos", "--gres", "--comment"}


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [
        pytest.param(timedelta(seconds=1), 1, id="one second"),
        pytest.param(timedelta(minutes=1), 1, id="one minute"),
        pytest.param(timedelta(minutes=1, microseconds=1), 2, id="just over"),
        pytest.param(timedelta(days=2), 2880, id="two days"),
    ],
)
def test_time_is_rounded_up_to_minutes(spec: JobSpec, limit: timedelta, minutes: int) -> None:
    argv = sbatch_argv(replace(spec, time_limit=limit), Token("a1"), export="NIL")

    assert f"--time={minutes}" in argv


def test_paths_are_literal(spec: JobSpec) -> None:
    odd = replace(spec, stdout=PurePosixPath("/shared/100%j out"))

    assert "--output=/shared/100%%j out" in sbatch_argv(odd, Token("a1"), export="NIL")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"script": "echo"}, id="no interpreter"),
        pytest.param({"script": "#!/bin/sh\n#SBATCH --uid=0\n"}, id="directive"),
        pytest.param({"script": "#!/bin/sh\n  # PBS -l x\n"}, id="foreign directive"),
        pytest.param({"cpus": 0}, id="all processors"),
        pytest.param({"memory_mib": 0}, id="all memory"),
        pytest.param({"time_limit": timedelta(0)}, id="no time"),
        pytest.param({"comment": "a\nb"}, id="line break"),
        pytest.param({"partition": "a\0b"}, id="null"),
        pytest.param({"workdir": PurePosixPath("here")}, id="relative"),
        pytest.param({"stdout": PurePosixPath("out")}, id="relative output"),
        pytest.param({"stderr": PurePosixPath("/a\\b")}, id="backslash"),
    ],
)
def test_a_specification_that_cannot_be_meant_is_an_error(
    spec: JobSpec, change: dict[str, object]
) -> None:
    with pytest.raises(ValueError):
        sbatch_argv(replace(spec, **change), Token("a1"), export="NIL")


@pytest.mark.parametrize(
    "token", ["", "A", "a b", "a,b", "--wrap=id", "a" * 61, "a\n", "ä", "a_b", "٣"]
)
def test_a_name_that_is_no_token_is_an_error(spec: JobSpec, token: str) -> None:
    with pytest.raises(ValueError, match="not a token"):
        sbatch_argv(spec, Token(token), export="NIL")


def test_a_job_id_is_accepted() -> None:
    assert read_sbatch(recorded("sbatch-accepted")) == Accepted(
        ref=JobRef(cluster=None, job_id="12")
    )


def test_the_cluster_is_kept_where_it_is_said() -> None:
    answer = Finished(returncode=0, stdout=b"17;north-2\n", stderr=b"")

    assert read_sbatch(answer) == Accepted(ref=JobRef(cluster="north-2", job_id="17"))


@pytest.mark.parametrize(
    "stdout",
    [b"--> Verifying valid submit host (login1)...OK\n17\n", b"\n17;north-2\nYour share: 8 %\n"],
)
def test_lines_of_the_site_are_told_from_the_id(stdout: bytes) -> None:
    answer = read_sbatch(Finished(returncode=0, stdout=stdout, stderr=b""))

    assert isinstance(answer, Accepted)
    assert answer.ref.job_id == "17"


@pytest.mark.parametrize(
    "answer",
    [
        *[pytest.param(recorded("sbatch-timed-out", release), id=release) for release in RELEASES],
        pytest.param(Finished(returncode=0, stdout=b"", stderr=b""), id="silence"),
        pytest.param(
            Finished(returncode=0, stdout=b"Submitted batch job 5\n", stderr=b""), id="prose"
        ),
        pytest.param(Finished(returncode=0, stdout=b"5\n6\n", stderr=b""), id="two ids"),
        pytest.param(Finished(returncode=0, stdout="٣\n".encode(), stderr=b""), id="odd digits"),
        pytest.param(Finished(returncode=0, stdout=b"\xff\xfe", stderr=b""), id="no text"),
        pytest.param(Finished(returncode=137, stdout=b"", stderr=b""), id="killed"),
        pytest.param(
            Finished(returncode=1, stdout=b"", stderr=b"sbatch: error: new words\n"),
            id="unknown sentence",
        ),
        pytest.param(
            Finished(returncode=1, stdout=b"12\n", stderr=recorded("sbatch-refused-qos").stderr),
            id="an id and a refusal",
        ),
    ],
)
def test_everything_else_is_indeterminate(answer: Finished) -> None:
    assert isinstance(read_sbatch(answer), Indeterminate)
