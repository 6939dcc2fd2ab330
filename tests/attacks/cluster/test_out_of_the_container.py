"""One hostile program tries all ways out of its container, and before and after that the same outside of it.

Outside it has what the job has: each way that is shut inside is open there.
"""

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from containers.scripts import run_script
from tests.attacks.cluster.scenes.slurm_programs import SBATCH
from tests.support.cluster.inside import Inside
from tests.support.cluster.node import PracticeNode, new_token
from tests.support.cluster.python_image import PYTHON

pytestmark = [pytest.mark.cluster, pytest.mark.root]

PROGRAMS = Path(__file__).with_name("programs")
CANARY = "canary-of-somebody-else.txt"
SECRET = "hunter2-of-the-portal"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the program said outside, and inside a container; what a container without ``env -i`` mounted."""

    before: Mapping[str, Any]
    inside: Mapping[str, Any]
    after: Mapping[str, Any]
    careless: str
    folder: Path


@pytest.fixture(scope="module")
def told(node: PracticeNode, python: Path, practice_site: dict[str, Any]) -> Told:
    host = practice_site["clusters"]["main"]["connect"]["ssh"]["host"]
    port = str(20000 + os.getpid() % 10000)
    directory = node.new_directory("run")
    for place in (node.new_directory("other") / CANARY, node.new_directory("truth") / "truth.csv"):
        place.write_text("1,7\n")
        node.give(place)
    program = (PROGRAMS / "get_out.py").read_text()
    words = (host, port, "/input", CANARY, SBATCH)
    run = node.sealed(python, (PYTHON, "-c", program, *words), directory)
    inner = run_script(replace(run, gpu=True), token="attack", directory=PurePosixPath(directory))
    for name in ("get_out.py", "listen.py"):
        (directory / name).write_text((PROGRAMS / name).read_text())
    (directory / "inner").write_text(inner)
    # The same program where the job is, and with the data and the storage as the job sees them.
    outside = shlex.join(["/usr/bin/python3", "get_out.py", host, port, "private", CANARY, SBATCH])
    script = f"""#!/bin/bash
        cd {shlex.quote(str(directory))}
        export SECRET={SECRET} http_proxy=http://{SECRET}:80 APPTAINERENV_SECRET={SECRET}
        export APPTAINER_BIND=/etc:/planted SINGULARITY_BIND=/etc:/planted
        ln -s ../data private
        coproc /usr/bin/python3 listen.py {port}
        read -r _ <&"${{COPROC[0]}}"
        {outside} >before
        /usr/bin/apptainer -s exec --contain {shlex.quote(str(python))} /bin/busybox ls / >careless 2>&1
        export APPTAINER_NETWORK=bridge APPTAINER_KEEP_PRIVS=1 APPTAINER_ADD_CAPS=all APPTAINER_NO_MOUNT=tmp
        /bin/bash inner
        {outside} >after
    """

    ended = node.execute(script, new_token(), directory, partition="gpu", gres="gpu:1")

    assert (directory / "stdout.log").exists(), (directory / "slurm.err").read_text()
    return Told(
        before=json.loads((directory / "before").read_text()),
        inside=json.loads(ended.stdout),
        after=json.loads((directory / "after").read_text()),
        careless=(directory / "careless").read_text(),
        folder=node.folder,
    )


@pytest.mark.attack(1)
def test_no_connection_leads_out(told: Told) -> None:
    ways = ("tcp", "udp", "loopback")

    assert [told.before[way] for way in ways] == ["reached"] * 3
    assert [told.after[way] for way in ways] == ["reached"] * 3
    assert [told.inside[way] for way in ways] == ["ENETUNREACH", "ENETUNREACH", "ECONNREFUSED"]


@pytest.mark.attack(2)
def test_no_name_is_looked_up(told: Told) -> None:
    assert (told.before["name"], told.inside["name"]) == ("reached", "gaierror")


@pytest.mark.attack(3)
def test_an_abstract_socket_of_the_node_is_not_there(told: Told) -> None:
    assert told.before["abstract"] == told.after["abstract"] == "reached"
    assert told.inside["abstract"] == "ECONNREFUSED"


@pytest.mark.attack(4)
def test_no_daemon_of_the_node_is_reached(told: Told) -> None:
    assert told.before["daemons"] != []
    assert told.inside["daemons"] == []


@pytest.mark.attack(5)
def test_programs_of_slurm_in_the_image_submit_nothing(told: Told) -> None:
    assert told.before["sbatch"].startswith("Submitted batch job ")
    assert "error" in told.inside["sbatch"]
    assert "Submitted" not in told.inside["sbatch"]


@pytest.mark.attack(6)
def test_a_variable_of_the_job_mounts_nothing(told: Told) -> None:
    assert "planted" in told.careless.split()
    assert told.inside["planted"] is False


@pytest.mark.attack(7)
def test_no_secret_of_the_jobs_environment_comes_in(told: Told) -> None:
    assert told.before["secrets"] == ["APPTAINERENV_SECRET", "SECRET", "http_proxy"]
    assert told.inside["secrets"] == []


@pytest.mark.attack(8)
def test_a_file_of_somebody_else_is_nowhere(told: Told) -> None:
    assert (told.before["canary"], told.inside["canary"]) == (True, False)


@pytest.mark.attack(10)
def test_the_truth_is_nowhere(told: Told) -> None:
    assert (told.before["truth"], told.inside["truth"]) == (True, False)


@pytest.mark.attack(9)
def test_the_input_stays_as_it_is(told: Told) -> None:
    assert told.before["input"] == ["written", "written"]
    assert told.inside["input"] == ["EROFS", "EROFS"]
    assert (told.folder / "data/cells.txt").read_text() == "private\n"


@pytest.mark.attack(19)
def test_a_gpu_of_another_job_does_not_open(told: Told, inside: Inside) -> None:
    """A pretended device has no driver: whoever opens it learns that it is not there."""
    code = "import os\nfor n in '01':\n try: os.open('/dev/nvidia' + n, os.O_RDWR)\n except OSError as e: print(e.errno)"
    free = inside.run("python3", "-c", code).stdout.split()

    assert free == ["6", "6"]
    assert sorted(told.before["devices"].values()) == ["ENXIO", "EPERM"]
    assert told.inside["devices"] == told.before["devices"]
