"""The probe: its report is read strictly, judged again, and written by real shell."""

import json
import subprocess
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.probe import (
    REPORT_LIMIT,
    ProbedBind,
    ProbeUnreadableError,
    parse_probe,
    write_probe_archive,
)
from portal.files.images.inspection import ImageLimits, inspect_image
from tests.support.required import required
from tests.unit.containers.fake_node import PROBE_REPORT

BUSYBOX = Path("/bin/busybox")
SCRIPT = Path(__file__).parents[3] / "containers" / "shell" / "probe.sh"


def report(**changes: object) -> str:
    return json.dumps(json.loads(PROBE_REPORT) | changes)


def test_a_report_is_read_whole() -> None:
    probe = parse_probe(PROBE_REPORT)

    assert probe.is_sealed
    assert probe.interfaces == ("lo",)
    assert probe.namespaces == {"net": True, "pid": True, "ipc": True, "mnt": True}
    assert probe.variables == ("APPTAINER_NAME",)
    assert probe.mounts == ("/ overlay rw",)
    assert probe.binds == (
        ProbedBind(
            target=PurePosixPath("/input"),
            declared="ro",
            mounted="ro",
            wrote=False,
            error="Read-only file system",
        ),
    )


NO_CAPABILITIES = json.loads(PROBE_REPORT)["capabilities"]
NAMESPACES = json.loads(PROBE_REPORT)["namespaces"]
INPUT = json.loads(PROBE_REPORT)["binds"][0]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"problems": ["network"]}, id="the probe said so"),
        pytest.param({"interfaces": ["lo", "eth0"]}, id="an interface"),
        pytest.param({"interfaces": []}, id="no interface at all"),
        pytest.param({"routes": 1}, id="a route"),
        *(
            pytest.param({"capabilities": NO_CAPABILITIES | {name: "1".zfill(16)}}, id=name)
            for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")
        ),
        pytest.param({"capabilities": {}}, id="no word on capabilities"),
        pytest.param({"no_new_privs": 0}, id="privileges can grow"),
        pytest.param({"seccomp": 0}, id="no filter"),
        pytest.param({"seccomp": 1}, id="another filter"),
        pytest.param({"uid": 0}, id="root"),
        pytest.param({"nested_namespace": True}, id="a namespace inside"),
        *(
            pytest.param({"namespaces": NAMESPACES | {kind: {"own": "a", "node": "a"}}}, id=kind)
            for kind in ("net", "pid", "ipc", "mnt")
        ),
        pytest.param({"namespaces": {}}, id="no word on namespaces"),
        pytest.param(
            {"namespaces": NAMESPACES | {"net": {"own": "", "node": "net:[1]"}}},
            id="an unknown namespace",
        ),
        pytest.param({"binds": [INPUT | {"mounted": "rw"}]}, id="input mounted writable"),
        pytest.param({"binds": [INPUT | {"mounted": "none"}]}, id="input not mounted"),
        pytest.param({"binds": [INPUT | {"wrote": True}]}, id="input written"),
        pytest.param({"binds": [INPUT | {"declared": "rw"}]}, id="output not writable"),
        pytest.param({"binds": [INPUT | {"declared": "x"}]}, id="an unknown declaration"),
        pytest.param({"services": ["/run/munge"]}, id="a service"),
    ],
)
def test_anything_too_much_is_not_sealed(changes: dict[str, Any]) -> None:
    assert not parse_probe(report(**changes)).is_sealed


def test_the_bounding_set_does_not_matter() -> None:
    capabilities = NO_CAPABILITIES | {"CapBnd": "f" * 16}

    assert parse_probe(report(capabilities=capabilities)).is_sealed


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="list"),
        pytest.param("null", id="null"),
        pytest.param(PROBE_REPORT[:-1], id="cut"),
        pytest.param(PROBE_REPORT + " x", id="more"),
        pytest.param(PROBE_REPORT + " " * REPORT_LIMIT, id="too long"),
        pytest.param("[" * 60000, id="deep"),
        pytest.param(report(probe=2), id="another kind"),
        pytest.param(report(probe=True), id="a flag for a number"),
        pytest.param(report(uid="0"), id="a text for a number"),
        pytest.param(report(uid=1.5), id="a fraction"),
        pytest.param(report(nested_namespace=0), id="a number for a flag"),
        pytest.param(report(interfaces="lo"), id="a text for a list"),
        pytest.param(report(interfaces=[1]), id="a list of numbers"),
        pytest.param(report(binds=[1]), id="binds that are none"),
        pytest.param(report(binds=[{}]), id="an empty bind"),
        pytest.param(report(namespaces={"net": "x"}), id="a namespace that is none"),
        pytest.param(report(capabilities=None), id="no capabilities"),
    ],
)
def test_another_text_is_unreadable(text: str) -> None:
    with pytest.raises(ProbeUnreadableError):
        parse_probe(text)


@given(st.text() | st.recursive(st.none() | st.integers(), st.lists).map(json.dumps))
def test_no_text_does_worse_than_being_unreadable(text: str) -> None:
    with pytest.raises(ProbeUnreadableError):
        parse_probe(text)


@pytest.mark.parametrize("name", json.loads(PROBE_REPORT))
def test_every_member_is_needed(name: str) -> None:
    document = json.loads(PROBE_REPORT)
    del document[name]

    with pytest.raises(ProbeUnreadableError):
        parse_probe(json.dumps(document))


def look_around(*arguments: str) -> tuple[int, str]:
    required("Debian's busybox-static", BUSYBOX.exists())
    done = subprocess.run(
        [str(BUSYBOX), "sh", str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "APPTAINER_X": "", "SLURM_JOB_ID": "1", "OTHER": ""},
    )
    return done.returncode, done.stdout


def test_on_the_bare_machine_the_probe_finds_much_to_say(tmp_path: Path) -> None:
    own = Path("/proc/self/ns/net").readlink()

    code, text = look_around(f"ro:{tmp_path}", f"host:{own}")

    probe = parse_probe(text)
    (bind,) = probe.binds
    assert code == 1
    assert not probe.is_sealed
    assert {"shared_namespace", "seccomp", "bind_missing", "variable"} <= set(probe.problems)
    assert (bind.target, bind.declared, bind.mounted) == (PurePosixPath(tmp_path), "ro", "none")
    assert set(probe.variables) == {"APPTAINER_X", "SLURM_JOB_ID"}
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_tried_without_being_changed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("kept")

    _, text = look_around(f"ro:{file}")

    assert parse_probe(text).binds[0].wrote
    assert file.read_text() == "kept"


@pytest.mark.parametrize(
    "argument", ['x"y', "back\\slash", "new\nline", "tab\t", "ro:/no such/ü\x01", "host:net:'"]
)
def test_odd_arguments_still_give_json(argument: str) -> None:
    _, text = look_around(argument)

    assert not parse_probe(text).is_sealed


def test_without_the_nodes_namespaces_nothing_is_proved() -> None:
    _, text = look_around()

    assert "namespace_unknown" in parse_probe(text).problems


def test_the_archive_is_the_same_each_time_and_holds_the_probe(tmp_path: Path) -> None:
    busybox = tmp_path / "busybox"
    busybox.write_bytes(b"busybox")

    for name in ("one.tar", "two.tar"):
        write_probe_archive(busybox, tmp_path / name, architecture="amd64")

    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        (layer,) = [member for member in archive if member.name.endswith("/layer.tar")]
        with tarfile.open(fileobj=archive.extractfile(layer)) as content:
            assert content.extractfile("probe").read() == SCRIPT.read_bytes()
            assert content.getmember("probe").mode == 0o755
            assert content.extractfile("bin/sh").read() == b"busybox"


@pytest.mark.parametrize(
    ("machine", "architecture"),
    [(0x3E, "amd64"), (0xB7, "arm64"), (0x15, "ppc64le"), (0xF3, "riscv64")],
)
def test_the_archive_is_for_the_processors_that_busybox_is_for(
    tmp_path: Path, machine: int, architecture: str
) -> None:
    (tmp_path / "busybox").write_bytes(b"\x7fELF\x02\x01" + bytes(12) + bytes([machine, 0, 1, 0]))

    write_probe_archive(tmp_path / "busybox", tmp_path / "probe.tar")

    limits = ImageLimits(architecture=architecture)
    assert inspect_image(tmp_path / "probe.tar", limits).architecture == architecture
