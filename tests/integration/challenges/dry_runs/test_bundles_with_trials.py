"""Baselines and samples of a bundle: checked, kept with its revision, and given to nobody."""

from pathlib import Path

import pytest

from portal import bootstrap
from portal.bootstrap.challenge_lint import lint_bundle
from portal.services.challenges.bundles import revisions
from tests.support.trials import SECRET, add_trials
from tests.support.web.organised import ROOT, Organised
from tests.support.worker.world import World, write_challenge

FILES = {"baselines/unet.zip", "samples/crash.zip"}


def _content(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_an_export_has_them_and_adding_it_changes_nothing(world: World, tmp_path: Path) -> None:
    bundle = tmp_path / "challenge"
    add_trials(bundle)
    added = bootstrap.add_challenge(world.site, bundle)

    bootstrap.export_bundle(world.site, "digits", tmp_path / "exported")
    again = bootstrap.add_challenge(world.site, tmp_path / "exported")

    assert _content(tmp_path / "exported") == _content(bundle)
    assert (again.revision, again.changes) == (added.revision, ())
    with world.database.reading() as session:
        content = revisions.content_of(session, revisions.find(session, "digits"))
    assert set(content.files) > FILES


def test_a_zip_brings_them_and_another_baseline_can_be_uploaded(organised: Organised) -> None:
    add_trials(organised.bundle)
    organiser = organised.browser("organiser")

    sent = organiser.post(
        f"{ROOT}/change", data={"message": ""}, files={"file": ("b.zip", organised.zipped())}
    )

    assert sent.status_code == 303, sent.text
    page = organiser.get(sent.headers["location"]).text
    assert all(path in page for path in FILES)
    assert "What the dry run submits is otherwise" in page
    assert SECRET not in page


def test_no_participant_is_given_them(organised: Organised) -> None:
    add_trials(organised.bundle)
    bootstrap.add_challenge(organised.world.site, organised.bundle)
    member = organised.browser("member")

    answers = [
        member.get(f"{ROOT}{path}")
        for path in ("", "/revisions", "/change", "/leaderboard", "/baselines/unet.zip")
    ]

    assert all("unet" not in answer.text and SECRET not in answer.text for answer in answers)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "samples[0].file: "),
        ({"samples": [{"file": "samples/crash.zip", "kind": "code", "expect": "bad_archive"}]}, ""),
        ({"samples": [{"file": "samples/crash.zip", "kind": "results", "expect": "bad_output"}]}, ""),
        ({"samples": [{"file": "samples/crash.zip", "kind": "image", "expect": "scored"}]}, "samples[0].file: "),
    ],
    ids=["code", "refused", "results", "image"],
)  # fmt: skip
def test_lint_looks_into_what_is_submitted(
    world: World, tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    bundle = write_challenge(tmp_path / "other")
    add_trials(bundle, **changed)
    (bundle / "samples/crash.zip").write_bytes(b"no archive")

    found = lint_bundle(bundle, architecture="amd64", now=world.clock()).problems

    lines = [str(problem).removeprefix(f"{bundle}/challenge.yaml:") for problem in found]
    assert [line.partition(": ")[2].startswith(said) for line in lines] == [True] * bool(said)
    assert all("write 'expect: bad_archive'" in line for line in lines)
