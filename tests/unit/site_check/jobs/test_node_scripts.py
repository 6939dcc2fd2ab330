"""The scripts of a check: quoted values, nothing for shellcheck to say, and what they note on this machine."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from containers.interface import Node
from portal.site_check.jobs import node_scripts
from tests.support.patience import until
from tests.support.required import required

SHELL = Path(node_scripts.__file__).with_name("shell")


@pytest.mark.parametrize("file", sorted(SHELL.glob("*.sh")), ids=lambda file: file.name)
def test_shellcheck_has_nothing_to_say(file: Path) -> None:
    required("shellcheck", Path("/usr/bin/shellcheck").exists())
    # The variables are put before the text.
    options = ["--shell=bash", "--exclude=SC2154"]

    done = subprocess.run(
        ["/usr/bin/shellcheck", *options, str(file)], check=False, capture_output=True, text=True
    )

    assert done.stdout == ""


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash"],
        input=script,
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
        env={"PATH": os.environ["PATH"], **environment},
    )


def test_what_is_left_is_found_and_taken_away(tmp_path: Path) -> None:
    # A name that the shell would take apart, were it not quoted.
    place = tmp_path / "a 'b' $(c)"
    place.mkdir()
    (place / "canary").write_text("0123\n", encoding="ascii")
    mark = f"sealrun-check-{os.getpid()}"
    data = [PurePosixPath("/nowhere at all"), PurePosixPath(tmp_path)]
    kept, open_to_all = tmp_path / "kept", tmp_path / "open to all"
    kept.mkdir(mode=0o700)
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    places = (open_to_all, tmp_path / "nowhere", kept)
    look = node_scripts.look_script(
        place,
        mark=mark,
        canary=place / "canary",
        upload=place / "canary",
        data=data,
        node=Node(
            apptainer=PurePosixPath("/nowhere/apptainer"),
            verified=tuple(map(PurePosixPath, places)),
        ),
        keep_seconds=30,
    )

    looking = run(look, SITE_SECRET="hunter2")
    looked = node_scripts.read_notes(place / "notes")
    run(node_scripts.find_script(place, mark=mark))
    found = node_scripts.read_notes(place / "notes")

    assert looked is not None, looking.stderr
    assert found is not None
    assert looked["canary"] == ("0123",)
    room, kind = looked["room"][0].split(" ", 1)
    assert 0 < int(room) <= shutil.disk_usage(Node().scratch).total
    assert kind
    assert looked["programs"] == ("ok",)
    assert looked["verified"] == (str(kept), "end")
    assert looked["uid"] == (str(os.geteuid()),)
    assert looked["machine"] == (os.uname().machine,)
    assert looked["upload"] == ("ok",)
    assert looked["groups"] == (subprocess.check_output(["id", "-G"], text=True).strip(),)
    assert looked["data"] == ("missing /nowhere at all", f"700 {tmp_path}")
    assert "SITE_SECRET" in looked["variable"]
    assert "hunter2" not in str(looked)
    assert "apptainer" not in looked
    # Here nothing is kept apart, so everything is there.
    assert found["file"] == looked["left"]
    assert len(found["process"]) == 1
    # What was killed is gone a moment later.
    until(lambda: {"file", "process"} & found_again(place, mark).keys() == set())


def found_again(place: Path, mark: str) -> Mapping[str, tuple[str, ...]]:
    run(node_scripts.find_script(place, mark=mark))
    found = node_scripts.read_notes(place / "notes")
    assert found is not None
    return found


def test_notes_that_are_not_there_are_none(tmp_path: Path) -> None:
    assert node_scripts.read_notes(tmp_path / "notes") is None


def test_a_scratch_directory_from_which_nothing_runs_is_noted(tmp_path: Path) -> None:
    place, scratch = tmp_path / "job", tmp_path / "scratch"
    place.mkdir()
    (place / "canary").touch()
    scratch.mkdir()
    mounted = f"mount -t tmpfs -o noexec,size=64k none '{scratch}' && exec /bin/bash"
    argv = ["unshare", "--user", "--map-root-user", "--mount", "/bin/bash", "-c", mounted]
    trial = [*argv[:-1], mounted.replace("exec /bin/bash", "true")]
    tried = subprocess.run(trial, check=False, capture_output=True)
    required("mounting in a user namespace", tried.returncode == 0)
    script = node_scripts.look_script(
        place,
        mark=f"sealrun-check-noexec-{os.getpid()}",
        canary=place / "canary",
        upload=None,
        data=[],
        node=Node(scratch=PurePosixPath(scratch)),
        keep_seconds=1,
    )

    subprocess.run(argv, input=script, check=False, capture_output=True, text=True, timeout=240)
    looked = node_scripts.read_notes(place / "notes")

    assert looked is not None
    assert looked["room"] == ("65536 tmpfs",)
    assert looked["programs"][0].endswith("Permission denied")
