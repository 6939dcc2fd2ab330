"""The flags, word by word, and what is refused because Apptainer would not take it literally."""

import subprocess
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.interface import Bind, SealedRun
from containers.isolation import LANGUAGE, clean_environment, payload_argv, plain_path, probe_argv
from tests.unit.containers.sealed_run import FLAGS, PLAIN_TEXT, RUN, SCRATCH


def test_the_payload_gets_exactly_these_flags() -> None:
    argv = payload_argv(RUN, scratch=SCRATCH)

    assert argv == (*FLAGS, "/shared/images/a b.sif", "/app/predict", "--fast", "it's")


def test_the_probe_gets_the_same_flags_and_is_told_the_binds() -> None:
    argv = probe_argv(RUN, scratch=SCRATCH)

    assert argv == (
        *FLAGS,
        "/shared/images/probe.sif",
        "/probe",
        "ro:/input",
        "rw:/output",
        "hidden:/sys",
    )


@pytest.mark.parametrize("command", [payload_argv, probe_argv])
def test_only_a_gpu_run_sees_gpus(command) -> None:
    without = command(RUN, scratch=SCRATCH)
    with_gpu = command(replace(RUN, gpu=True), scratch=SCRATCH)

    assert "--nv" not in without
    assert with_gpu.count("--nv") == 1
    # Drivers of GPUs look into the node's /sys; nothing else differs.
    sys = ["--bind", "/local/sealrun-t/sys:/sys:ro", "hidden:/sys"]
    assert [word for word in with_gpu if word != "--nv"] == [
        word.removesuffix(",sys")
        for place, word in enumerate(without)
        if word not in sys[1:] and without[place : place + 2] != tuple(sys[:2])
    ]


def test_without_a_writable_bind_the_container_starts_at_its_root() -> None:
    argv = payload_argv(replace(RUN, binds=RUN.binds[:1]), scratch=SCRATCH)

    assert argv[argv.index("--pwd") + 1] == "/"


def test_the_clean_environment_names_nothing_of_the_caller(monkeypatch) -> None:
    monkeypatch.setenv("APPTAINER_BIND", "/etc")

    assert clean_environment(SCRATCH) == FLAGS[:7]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/data:/etc", id="colon"),
        pytest.param("/data,/etc", id="comma"),
        pytest.param("/data\\:x", id="backslash"),
        pytest.param("/data\n/etc", id="newline"),
        pytest.param("/data\x7f", id="delete"),
        pytest.param("/data/../etc", id="dots"),
        pytest.param("data", id="relative"),
        pytest.param("docker://alpine", id="transport"),
        pytest.param("-B/etc:/etc", id="option"),
        pytest.param("//server/share", id="two slashes"),
    ],
)
def test_paths_that_apptainer_reads_specially_are_refused(path: str) -> None:
    source = PurePosixPath(path)
    bound = Bind(source=source, target=PurePosixPath("/input"))

    for run in (
        replace(RUN, image=source),
        replace(RUN, binds=(bound,)),
        replace(RUN, node=replace(RUN.node, apptainer=source)),
    ):
        with pytest.raises(ValueError, match="path"):
            payload_argv(run, scratch=SCRATCH)
    with pytest.raises(ValueError, match="path"):
        probe_argv(replace(RUN, probe_image=source), scratch=SCRATCH)


@pytest.mark.parametrize("path", ["/a b", "/it's", '/"', "/$HOME", "/*", "/ü", "/-x", "/{a}"])
def test_other_odd_paths_pass_as_they_are(path: str) -> None:
    assert plain_path(PurePosixPath(path)) == PurePosixPath(path)


@pytest.mark.parametrize(
    "target", ["/", "input", "/in put", "/in:ro", "/../x", "/a/../b", "/a,b", "/.hidden", "/-x"]
)
def test_targets_are_plain(target: str) -> None:
    bind = Bind(source=PurePosixPath("/data"), target=PurePosixPath(target))

    with pytest.raises(ValueError, match="inside the container"):
        payload_argv(replace(RUN, binds=(bind,)), scratch=SCRATCH)


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "HOME",
        "LD_PRELOAD",
        "APPTAINER_BIND",
        "SINGULARITY_BIND",
        "SLURM_CONF",
        "a",
        "A-B",
        "",
    ],
)
def test_variables_that_steer_something_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="variable"):
        payload_argv(replace(RUN, environment={name: "x"}), scratch=SCRATCH)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(replace(RUN, argv=()), id="no program"),
        pytest.param(replace(RUN, argv=("",)), id="empty program"),
        pytest.param(replace(RUN, argv=("/bin/x", "a\0b")), id="zero byte in an argument"),
        pytest.param(replace(RUN, argv=("/bin/x", "a\r\n")), id="carriage return"),
        pytest.param(replace(RUN, argv=("/bin/x", "\x1b[2J")), id="escape"),
        pytest.param(replace(RUN, environment={"A": "a\0b"}), id="zero byte in a variable"),
    ],
)
def test_what_cannot_be_executed_is_refused(run: SealedRun) -> None:
    with pytest.raises(ValueError):
        payload_argv(run, scratch=SCRATCH)


@given(st.lists(PLAIN_TEXT, min_size=1))
def test_arguments_stay_whole_and_come_last(arguments: list[str]) -> None:
    argv = payload_argv(replace(RUN, argv=("/p", *arguments)), scratch=SCRATCH)

    assert argv == (*FLAGS, "/shared/images/a b.sif", "/p", *arguments)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param("", "C.UTF-8", id="the image says nothing"),
        pytest.param("export LANG=de_DE.ISO-8859-1", "de_DE.ISO-8859-1", id="it says something"),
        pytest.param("export LANG=C", "C", id="it says C"),
        pytest.param("export LANG=", "C.UTF-8", id="it says nothing in many words"),
    ],
)
def test_the_language_is_the_images_or_else_has_all_letters(image: str, expected: str) -> None:
    program = f"{image}\n{LANGUAGE}\nexec /usr/bin/env"

    done = subprocess.run(
        ["/bin/bash", "-c", program], capture_output=True, text=True, check=True, env={}
    )

    variables = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert variables["LANG"] == expected
    assert "LC_ALL" not in variables


def test_the_file_of_the_language_is_read_between_the_images_and_the_runs() -> None:
    image = ["01-base.sh", "10-docker2singularity.sh", "90-environment.sh", "95-apps.sh"]
    argv = payload_argv(RUN, scratch=SCRATCH)
    (bind,) = [word for word in argv if "/.singularity.d/env/" in word]
    own = PurePosixPath(bind.split(":")[1]).name

    assert sorted([own, *image, "99-base.sh"]) == [*image, own, "99-base.sh"]
