"""What a submission itself sees of its job: the inspector went the whole way and wrote it down."""

import json
import os
from typing import Any

import pytest

from portal.domain.evaluations.jobs import JobKind
from tests.support.cluster.spine import SECRET_VALUE, Spine

pytestmark = pytest.mark.cluster

NO_CAPABILITY = "0000000000000000"


@pytest.fixture(scope="module")
def text(everything: tuple[Spine, dict[str, str]]) -> str:
    """Return the report as the portal collected it."""
    spine, submissions = everything
    evaluation = spine.evaluations()[submissions["inspector.zip"]]
    [token, job] = next(
        (attempt.token, job.id)
        for attempt, job in spine.attempts()
        if job.evaluation_id == evaluation.id and job.kind is JobKind.PREDICT
    )
    return (spine.storage / "runs" / job / token / "collected/inspection.json").read_text()


@pytest.fixture(scope="module")
def report(text: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(text)
    return report


def test_there_is_no_network(report: dict[str, Any]) -> None:
    assert report["interfaces"] == ["lo"]
    assert report["connect"] == "ENETUNREACH"


def test_only_the_output_and_the_scratch_can_be_written(report: dict[str, Any]) -> None:
    assert report["write"] == {
        "input": "EROFS",
        "submission": "EROFS",
        "image": "EROFS",
        "output": "ok",
        "tmp": "ok",
    }


def test_there_is_no_privilege(report: dict[str, Any]) -> None:
    assert report["status"] == {
        "CapInh": NO_CAPABILITY,
        "CapPrm": NO_CAPABILITY,
        "CapEff": NO_CAPABILITY,
        "CapBnd": NO_CAPABILITY,
        "CapAmb": NO_CAPABILITY,
        "NoNewPrivs": "1",
        "Seccomp": "2",
        # Jobs run as the account that these tests run as.
        "Uid": "\t".join([str(os.getuid())] * 4),
        "Gid": "\t".join([str(os.getgid())] * 4),
    }
    assert report["groups"] == [os.getgid()]


def test_the_truth_is_nowhere(report: dict[str, Any]) -> None:
    assert report["truth_paths"] == []


def test_the_environment_is_the_contracts(report: dict[str, Any], text: str) -> None:
    own = ("APPTAINER_", "SINGULARITY_")
    assert [name for name in report["environment"] if not name.startswith(own)] == [
        *("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "PROMPT_COMMAND", "PS1", "PWD"),
        *("SEALRUN_INPUT", "SEALRUN_OUTPUT", "SEALRUN_PHASE"),
        *("SEALRUN_SMOKE", "SEALRUN_SUBMISSION", "SEALRUN_TASK"),
    ]
    assert report["sealrun"] == {
        "SEALRUN_INPUT": "/input",
        "SEALRUN_OUTPUT": "/output",
        "SEALRUN_SUBMISSION": "/submission",
        "SEALRUN_TASK": "digits",
        "SEALRUN_PHASE": "dev",
        "SEALRUN_SMOKE": "0",
    }
    assert SECRET_VALUE not in text


def test_only_the_gpu_of_the_job_can_be_opened(report: dict[str, Any]) -> None:
    """EPERM is the job's cgroup; a pretended device that it lets through has no driver: ENXIO."""
    devices = report["devices"]

    assert devices.pop("/dev/nvidiactl") == "ENXIO"
    assert sorted(devices) == ["/dev/nvidia0", "/dev/nvidia1"]
    assert sorted(devices.values()) == ["ENXIO", "EPERM"]


def test_nothing_is_mounted_but_the_contracts_directories(report: dict[str, Any]) -> None:
    system = ("/dev", "/proc", "/sys", "/etc/", "/.singularity.d/")
    mounts = [line.split() for line in report["mounts"]]

    seen = {
        target: options.split(",")[0]
        for _, target, _, options, *_ in mounts
        if not target.startswith(system)
    }

    scratch = {"/tmp": "rw", "/var/tmp": "rw"}  # noqa: S108 - names in the container
    assert seen == {"/": "ro", "/input": "ro", "/output": "rw", **scratch}


def test_only_its_own_processes_are_seen(report: dict[str, Any]) -> None:
    """Apptainer's first process, the base image's program and the inspector itself."""
    processes = report["processes"]

    assert len(processes) == 3
    assert processes[0] == 1
    assert processes[-1] == report["ids"]["pid"]
