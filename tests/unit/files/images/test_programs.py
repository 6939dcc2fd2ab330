"""An organiser's image is looked through for the program that its task starts."""

import tarfile

import pytest

from portal.files.errors import BadArchiveError
from portal.files.images.programs import check_program
from tests.support.uploads.images import docker, entry, layer

PROGRAM = "/app/score"


def program(name, mode=0o755):
    info, content = entry(name, content=b"#!/bin/sh\n")
    info.mode = mode
    return info, content


def link(name, target):
    return entry(name, tarfile.SYMTYPE, target=target)


def folder(name):
    info, content = entry(name, tarfile.DIRTYPE)
    info.mode = 0o755
    return info, content


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([[program("app/score")]], id="plain"),
        pytest.param([[program("./app/score")]], id="dot"),
        pytest.param([[program("/app/score")]], id="slash"),
        pytest.param([[program("app/score")], [entry("etc/motd")]], id="lower-layer"),
        pytest.param([[program("usr/bin/x")], [link("app/score", "/usr/bin/x")]], id="link"),
        pytest.param([[program("app/x")], [link("app/score", "x")]], id="link-beside"),
        pytest.param([[link("app", "usr/app"), program("usr/app/score")]], id="folder-linked"),
        pytest.param(
            [[link("app", "/usr/app"), link("usr", "opt/usr"), program("opt/usr/app/score")]],
            id="links-of-links",
        ),
        pytest.param([[program("app/x"), link("app/score", "../../app/x")]], id="climbs"),
        pytest.param(
            [[program("x"), entry("app/score", tarfile.LNKTYPE, target="x")]], id="hard-link"
        ),
        pytest.param([[program("app/score", 0o644)], [program("app/score")]], id="made-executable"),
        pytest.param([[entry("app/.wh.score"), program("app/score")]], id="own-layer-is-above"),
        pytest.param(
            [[link("app", "gone")], [folder("app"), program("app/score")]], id="link-replaced"
        ),
    ],
)
def test_a_program_is_found_as_a_kernel_would(make_tar, layers) -> None:
    source = make_tar(*docker(*(layer(*entries) for entries in layers)).items())

    check_program(source, PROGRAM, "the scorer")


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([[program("app/predict")]], id="another"),
        pytest.param([[program("app/score", 0o644)]], id="not-executable"),
        pytest.param([[program("app/score"), program("app/score", 0o644)]], id="last-one-wins"),
        pytest.param([[folder("app/score")]], id="directory"),
        pytest.param([[link("app/score", "/usr/bin/x")]], id="link-to-nothing"),
        pytest.param([[link("app/score", "score")]], id="link-to-itself"),
        pytest.param([[program("app/score")], [entry("app/.wh.score")]], id="deleted"),
        pytest.param([[program("app/score")], [entry(".wh.app")]], id="folder-deleted"),
        pytest.param([[program("app/score")], [entry("app/.wh..wh..opq")]], id="folder-emptied"),
        pytest.param([[program("app/score")], [entry(".wh..wh..opq")]], id="all-emptied"),
    ],
)
def test_an_image_without_the_program_is_refused(make_tar, layers) -> None:
    source = make_tar(*docker(*(layer(*entries) for entries in layers)).items())

    with pytest.raises(BadArchiveError) as refused:
        check_program(source, PROGRAM, "the scorer of task 'digits'")

    assert refused.value.reason == "program"
    assert refused.value.message == (
        "The image has no program '/app/score', which the scorer of task 'digits' starts. Put it there, make it"
        " executable, or write another argv."
    )
