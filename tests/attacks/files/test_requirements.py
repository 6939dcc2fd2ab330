"""A requirements.txt that nests deeper than its reader can: refused, and the worker goes on."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from portal.domain.evaluations.states import EvaluationState
from portal.files.archives.requirements import read_requirements
from portal.files.errors import BadArchiveError
from tests.support.worker.world import World

DEEP = "numpy; " + "(" * 3000 + "os_name == 'posix'" + ")" * 3000


def code(requirements: str) -> bytes:
    """Return a zip of code with these requirements."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("predict", "#!/bin/sh\n")
        archive.writestr("requirements.txt", requirements)
    return buffer.getvalue()


@pytest.mark.attack(63)
@pytest.mark.parametrize(
    "line",
    [
        pytest.param(DEEP, id="whole"),
        pytest.param(DEEP.rstrip(")"), id="unclosed"),
        pytest.param("numpy; " + "(" * 900 + "x", id="just within a line"),
    ],
)
def test_parentheses_without_number_end_in_a_sentence(line: str) -> None:
    with pytest.raises(BadArchiveError) as refused:
        read_requirements(line.encode())

    assert "too many parentheses" in refused.value.message


@pytest.mark.attack(63)
def test_the_library_alone_would_recurse_until_it_fails() -> None:
    with pytest.raises(RecursionError):
        Requirement(DEEP)


@pytest.mark.attack(63)
def test_the_worker_refuses_it_and_goes_on_with_the_others(world: World, tmp_path: Path) -> None:
    cluster = replace(world.context.cluster, wheelhouse=tmp_path)
    world.context = replace(world.context, cluster=cluster)
    hostile = world.submit(content=code(DEEP))
    honest = world.submit(content=code("numpy\n"))

    refused, done = world.run_until_final(hostile), world.run_until_final(honest)

    assert (refused.state, refused.reason) == (EvaluationState.FAILED, "bad_archive")
    assert done.state is EvaluationState.SCORED
