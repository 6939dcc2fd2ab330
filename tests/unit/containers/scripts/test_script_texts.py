"""The scripts as text: literal, quoted, and good shell."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.interface import (
    EXIT_CODES,
    Build,
    BuildKind,
    Measure,
    Node,
    Packages,
    Signature,
    StopReason,
)
from containers.scripts import build_script, measure_script, run_script
from tests.support.required import required
from tests.unit.containers.sealed_run import PLAIN_TEXT, RUN

EXPECTED = Path(__file__).with_name("expected")
SHELL = Path(__file__).parents[4] / "containers" / "shell"
DIRECTORY = PurePosixPath("/shared/runs/1 a")
CODE = Build(
    kind=BuildKind.CODE,
    source=PurePosixPath("/shared/code.tar"),
    source_sha256="c" * 64,
    base=PurePosixPath("/shared/images/base.sif"),
    base_sha256="d" * 64,
)
PACKAGES = Packages(
    wheelhouse=PurePosixPath("/shared/wheels"),
    requirements=PurePosixPath("/shared/runs/1 a/requirements.txt"),
    requirements_sha256="e" * 64,
)
ARCHIVE = replace(CODE, kind=BuildKind.ARCHIVE, base=None, base_sha256=None)
PARTS = (
    "common.sh",
    "limits.sh",
    "space.sh",
    "data.sh",
    "masks.sh",
    "names.sh",
    "verified.sh",
    "run.sh",
    "build.sh",
    "measure.sh",
)
NAME = st.text(
    alphabet=st.characters(exclude_characters="/:,\\\x7f", exclude_categories=["Cs", "Cc"]),
    min_size=1,
).filter(lambda name: name not in {".", ".."})


def values_of(script: str, name: str) -> list[str]:
    """Let bash read the values in front of the shell text, and print one of them."""
    values = script.split("\nset -u\n", maxsplit=1)[0]
    command = f'{values}\nprintf "%s\\0" "${{{name}[@]}}"'
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


SCRIPTS = {
    "run.sh": run_script(RUN, token="t", directory=DIRECTORY),
    "build-code.sh": build_script(CODE, token="t", directory=DIRECTORY),
    "build-environment.sh": build_script(
        replace(CODE, packages=PACKAGES), token="t", directory=DIRECTORY
    ),
    "build-sif.sh": build_script(
        replace(
            ARCHIVE,
            kind=BuildKind.SIF,
            signature=Signature(part=3, keys=("-----BEGIN\nabc\n-----END", "another 'key'")),
        ),
        token="t",
        directory=DIRECTORY,
    ),
    "build-archive.sh": build_script(ARCHIVE, token="t", directory=DIRECTORY),
    "build-chosen.sh": build_script(
        replace(ARCHIVE, layout="docker", chosen='[{"Config": "it\'s.json"}]'),
        token="t",
        directory=DIRECTORY,
    ),
    "measure.sh": measure_script(
        Measure(directory=PurePosixPath("/data/a b")), token="t", directory=DIRECTORY
    ),
}


BODIES = {
    "run": ("common", "limits", "space", "data", "masks", "names", "verified", "run"),
    "build": ("common", "limits", "names", "verified", "build"),
    "measure": ("common", "data", "measure"),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_is_these_values_in_front_of_the_shell_text(name: str) -> None:
    header = (EXPECTED / name).read_text()
    kind = name.removesuffix(".sh").partition("-")[0]
    body = "\n".join((SHELL / f"{part}.sh").read_text() for part in BODIES[kind])

    assert SCRIPTS[name] == f"{header}\n{body}"


@pytest.mark.parametrize("name", SCRIPTS)
def test_bash_can_read_it(name: str) -> None:
    subprocess.run(["/bin/bash", "-n"], input=SCRIPTS[name].encode(), check=True)


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_has_nothing_to_say(name: str) -> None:
    required("shellcheck", Path("/usr/bin/shellcheck").exists())
    # 2054: the comma is the flag's own. 2317: functions that are called by name.
    # 2016, 2034: values that look like shell, or that only the other script uses.
    command = ["/usr/bin/shellcheck", "--exclude=SC2016,SC2054,SC2317,SC2034", "-"]
    done = subprocess.run(command, input=SCRIPTS[name], capture_output=True, text=True, check=False)

    assert done.stdout == ""


def test_shellcheck_has_nothing_to_say_about_the_probe() -> None:
    required("shellcheck", Path("/usr/bin/shellcheck").exists())
    command = ["/usr/bin/shellcheck", "--shell=sh", str(SHELL / "probe.sh")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.stdout == ""


def test_every_stop_has_the_exit_code_that_is_promised() -> None:
    text = "".join((SHELL / name).read_text() for name in PARTS)
    stops = set(re.findall(r"\bstop ([a-z_]+) (\d+)", text))
    failures = {(word, "78") for word in re.findall(r"\b(?:fail|proved) ([a-z_]+)", text)}

    promised = {(reason.value, str(code)) for reason, code in EXIT_CODES.items()}
    assert stops | failures == promised - {("claimed", "75")}
    assert set(EXIT_CODES) == set(StopReason)


@settings(max_examples=60, deadline=None)
@given(arguments=st.lists(PLAIN_TEXT), value=PLAIN_TEXT)
def test_arguments_and_variables_survive_the_shell(arguments: list[str], value: str) -> None:
    run = replace(RUN, argv=("/p", *arguments), environment={"SEALRUN_TASK": value})

    payload = values_of(run_script(run, token="t", directory=DIRECTORY), "payload")

    assert payload[-len(arguments) - 1 :] == ["/p", *arguments]
    assert f"APPTAINERENV_SEALRUN_TASK={value}" in payload


@settings(max_examples=60, deadline=None)
@given(NAME)
def test_paths_survive_the_shell(name: str) -> None:
    path = PurePosixPath("/shared") / name
    run = replace(RUN, image=path)
    build = replace(ARCHIVE, source=path)

    assert values_of(run_script(run, token="t", directory=path), "directory") == [str(path)]
    assert values_of(run_script(run, token="t", directory=path), "image") == [str(path)]
    assert values_of(build_script(build, token="t", directory=path), "source") == [str(path)]


@pytest.mark.parametrize("token", ["", "A", "a/b", "a b", "a" * 61, "a\n", "$(id)", ".."])
def test_a_token_is_plain(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        run_script(RUN, token=token, directory=DIRECTORY)
    with pytest.raises(ValueError, match="token"):
        build_script(ARCHIVE, token=token, directory=DIRECTORY)


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, "a" * 64 + "\n", None])
def test_a_digest_is_a_digest(digest: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        run_script(replace(RUN, image_sha256=digest), token="t", directory=DIRECTORY)
    with pytest.raises(ValueError, match="SHA-256"):
        run_script(replace(RUN, probe_sha256=digest), token="t", directory=DIRECTORY)
    with pytest.raises(ValueError, match="SHA-256"):
        build_script(replace(CODE, base_sha256=digest), token="t", directory=DIRECTORY)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(replace(CODE, base=None), id="code without a base"),
        pytest.param(replace(ARCHIVE, base=CODE.base), id="archive with a base"),
    ],
)
def test_a_base_belongs_to_code(build: Build) -> None:
    with pytest.raises(ValueError, match="base"):
        build_script(build, token="t", directory=DIRECTORY)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(
            replace(ARCHIVE, signature=Signature(part=1, keys=("key",))), id="of an archive"
        ),
        pytest.param(
            replace(ARCHIVE, kind=BuildKind.SIF, signature=Signature(part=1, keys=())),
            id="by no key",
        ),
    ],
)
def test_only_a_sif_is_signed_and_by_a_key(build: Build) -> None:
    with pytest.raises(ValueError, match="signed"):
        build_script(build, token="t", directory=DIRECTORY)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(replace(CODE, layout="docker"), id="layout of code"),
        pytest.param(replace(ARCHIVE, chosen="{}"), id="no layout"),
        pytest.param(replace(ARCHIVE, layout="oci", chosen="{\r\n}"), id="two lines"),
    ],
)
def test_an_image_is_chosen_of_an_archive_in_a_layout(build: Build) -> None:
    with pytest.raises(ValueError, match="layout"):
        build_script(build, token="t", directory=DIRECTORY)


@pytest.mark.parametrize("scratch", ["/local/a b", "local", "/local/..", "/local/a'b", "/local:x"])
def test_the_scratch_directory_is_plain(scratch: str) -> None:
    node = Node(scratch=PurePosixPath(scratch))

    with pytest.raises(ValueError, match="scratch"):
        run_script(replace(RUN, node=node), token="t", directory=DIRECTORY)


def test_one_directory_at_most_is_writable() -> None:
    binds = tuple(replace(bind, writable=True) for bind in RUN.binds)

    with pytest.raises(ValueError, match="writable"):
        run_script(replace(RUN, binds=binds), token="t", directory=DIRECTORY)


def test_a_limit_on_the_output_needs_an_output() -> None:
    run = replace(RUN, binds=RUN.binds[:1], output_limit=1)

    with pytest.raises(ValueError, match="writable"):
        run_script(run, token="t", directory=DIRECTORY)
