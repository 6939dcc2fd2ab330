"""Archives that reach out of themselves, unpack to too much, or are recipes: the portal's own readers."""

import json
import os
import stat
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from portal.files.archives.submitted import repack_code, unpack_results
from portal.files.errors import BadArchiveError, BadOutputError
from portal.files.images.inspection import inspect_image
from portal.files.outputs.copying import copy_outputs
from tests.support.uploads.archives import Maker
from tests.support.uploads.images import docker_members, link

MEBIBYTE = 1024 * 1024
# Older releases of Python trust every archive, and know no other way.
TRUSTING = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}


def refused(upload: Path, target: Path) -> str:
    """Submit it as code; return why not."""
    with pytest.raises(BadArchiveError) as caught:
        repack_code(upload, target)
    assert not target.exists()
    return caught.value.reason


def unpacked_naively(upload: Path, folder: Path) -> None:
    """Unpack as ``tar`` does that trusts its archive."""
    folder.mkdir(parents=True)
    with tarfile.open(upload) as archive:
        archive.extractall(folder, **TRUSTING)


@pytest.mark.attack(38)
@pytest.mark.parametrize("name", ["../outside", "../../outside"])
def test_a_path_that_leads_out_leads_nowhere(make_tar: Maker, tmp_path: Path, name: str) -> None:
    upload = make_tar((name, b"planted"), ("predict.py", b""))
    unpacked_naively(upload, tmp_path / "naive" / "a")
    assert list(tmp_path.rglob("outside")) != []
    assert not list((tmp_path / "naive/a").rglob("outside"))

    assert refused(upload, tmp_path / "code.tar") == "name"


@pytest.mark.attack(38)
def test_a_link_is_not_written_through(make_tar: Maker, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    upload = make_tar(link("way", str(outside)), ("way/planted", b"planted"))
    unpacked_naively(upload, tmp_path / "naive")
    assert (outside / "planted").read_bytes() == b"planted"
    (outside / "planted").unlink()

    assert refused(upload, tmp_path / "code.tar") == "kind"
    with pytest.raises(BadArchiveError):
        unpack_results(upload, tmp_path / "results", required=[], max_bytes=1000, max_files=10)
    assert list(outside.iterdir()) == []


@pytest.mark.attack(38)
def test_a_device_is_not_made(make_tar: Maker, tmp_path: Path) -> None:
    device, _ = link("zero", "", tarfile.CHRTYPE)
    device.devmajor, device.devminor = 1, 5
    upload = make_tar((device, b""), ("predict.py", b""))
    if os.geteuid() == 0:
        unpacked_naively(upload, tmp_path / "naive")
        assert stat.S_ISCHR((tmp_path / "naive/zero").stat().st_mode)

    assert refused(upload, tmp_path / "code.tar") == "kind"


@pytest.mark.attack(39)
@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_a_small_archive_of_much_is_stopped_while_it_unpacks(
    make_tar: Maker, make_zip: Maker, tmp_path: Path, form: str
) -> None:
    zeros = ("zeros", bytes(80 * MEBIBYTE))
    upload = make_zip(zeros) if form == "zip" else make_tar(zeros, mode="w:gz")
    assert upload.stat().st_size < MEBIBYTE
    if form == "zip":
        with zipfile.ZipFile(upload) as archive:
            assert len(archive.read("zeros")) == 80 * MEBIBYTE

    assert refused(upload, tmp_path / "code.tar") == "ratio"
    assert [path.name for path in tmp_path.iterdir() if path.stat().st_size > MEBIBYTE] == []


@pytest.mark.attack(40)
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"Bootstrap: localimage\nFrom: x\n%pre\n id\n%setup\n id\n", id="definition"),
        pytest.param(b"FROM debian\nRUN id\n", id="dockerfile"),
    ],
)
def test_a_recipe_is_taken_as_nothing(make_file: Maker, tmp_path: Path, content: bytes) -> None:
    upload = make_file(content)

    assert refused(upload, tmp_path / "code.tar") == "recipe"
    with pytest.raises(BadArchiveError) as caught:
        inspect_image(upload)
    assert caught.value.reason == "recipe"


@pytest.mark.attack(57)
def test_an_image_archive_of_files_without_number_is_refused(make_tar: Maker) -> None:
    members = {f"{number}": b"" for number in range(30_000)} | docker_members()
    upload = make_tar(*members.items())
    with tarfile.open(upload) as archive:
        assert len(archive.getnames()) > 30_000

    with pytest.raises(BadArchiveError) as caught:
        inspect_image(upload)

    assert caught.value.reason == "too_many"


@pytest.mark.attack(57)
def test_an_image_of_a_thousand_layers_is_refused(make_tar: Maker) -> None:
    members = docker_members(layers=[f"{number}.tar" for number in range(1000)])
    upload = make_tar(*members.items())
    [found] = json.loads(members["manifest.json"])
    assert len(found["Layers"]) == 1000

    with pytest.raises(BadArchiveError) as caught:
        inspect_image(upload)

    assert caught.value.reason == "too_many_layers"


@pytest.mark.attack(31)
def test_an_output_that_is_swapped_while_it_is_taken_over_leads_nowhere(tmp_path: Path) -> None:
    """Nothing of a run is left when its output is taken over; even if it were, it would gain nothing."""
    output, secret = tmp_path / "output", tmp_path / "secret"
    output.mkdir()
    secret.write_text("secret of the account")
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            for make in (
                lambda path: path.write_text("mine"),
                lambda path: path.symlink_to(secret),
            ):
                part = output.parent / "part"
                part.unlink(missing_ok=True)
                make(part)
                part.replace(output / "predictions.csv")

    swapper = threading.Thread(target=swap)
    swapper.start()
    naive, taken = set(), set()
    try:
        for number in range(1500):
            naive.add(_read(output / "predictions.csv"))
            taken.add(_take(output, tmp_path / f"taken {number}"))
    finally:
        ended.set()
        swapper.join()

    # Who only opens the file gets the secret again and again.
    assert {"mine", "secret of the account"} <= naive
    assert taken <= {"mine", "refused"}
    assert len(taken) == 2


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _take(output: Path, target: Path) -> str:
    try:
        copy_outputs(output, target, required=["predictions.csv"], max_bytes=1000, max_files=10)
    except BadOutputError:
        return "refused"
    return (target / "predictions.csv").read_text() or "mine"
