"""The rules of real challenges, as public pages of the years 2021 to 2026 have them: each lints, and runs to a score."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from containers.archives import Entry, write_archive
from portal import bootstrap
from portal.bootstrap.challenge_lint import lint_bundle
from portal.db.engine import Database
from portal.db.tables import (
    Attempt,
    Board,
    Evaluation,
    Job,
    Phase,
    PhaseAdmission,
    Task,
    Team,
)
from portal.domain.accounts.people import Actor
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.admission import Needs
from portal.domain.submissions.limits import SubmissionKind
from portal.services.leaderboards.views import leaderboard
from portal.services.submissions.submit import Upload, submit
from tests.support.worker.world import (
    MAX_PASSES,
    START,
    Clock,
    World,
    make_world,
    packed_code,
    write_challenge,
)

RULES = {file.stem: file for file in sorted(Path(__file__).parent.glob("*.yaml"))}
ANSWERS = {"report": "https://reports.example/1", "description": "https://reports.example/2"}


@pytest.mark.parametrize("name", RULES)
def test_the_rules_lint(tmp_path: Path, name: str) -> None:
    bundle = write_challenge(tmp_path / "bundle")
    (bundle / "challenge.yaml").write_text(RULES[name].read_text())

    found = lint_bundle(bundle, architecture="amd64", now=START)

    assert found.problems == ()


@pytest.mark.parametrize("name", RULES)
def test_a_submission_to_each_phase_stands_on_all_boards(
    sqlite_database: Database, tmp_path: Path, name: str
) -> None:
    world = make_world(sqlite_database, tmp_path, Clock())
    described = _on_this_site(yaml.safe_load(RULES[name].read_text()))
    bundle = tmp_path / "challenge"
    (bundle / "challenge.yaml").write_text(yaml.safe_dump(described))
    bootstrap.add_challenge(world.site, bundle)
    world.node.score = lambda output: _score(world, described, output)

    for phase in described["phases"]:
        _admit(world, phase)
        _submit(world, described, phase, tmp_path)
        _run(world)

    staff = Actor(person_id=world.person, is_staff=True)
    with world.database.reading() as session:
        boards = session.scalars(select(Board.slug).where(Board.frozen_of.is_(None))).all()
        for slug in boards:
            shown = leaderboard(
                session, actor=staff, slug="digits", board_slug=slug, page=1, now=world.clock()
            )
            assert [row.rank for row in shown.rows] == [1], slug
    assert set(boards) == {board["id"] for board in described["boards"]}


def _on_this_site(described: dict[str, Any]) -> dict[str, Any]:
    """Let a challenge be the one for which the site of the tests has data; everybody may join."""
    described |= {"slug": "digits", "join": {"policy": "open"}}
    for task in described["tasks"].values():
        task["input"], task["truth"] = {"data": "digits-test"}, {"data": "digits-truth"}
    return described


def _submit(
    world: World, described: Mapping[str, Any], phase: Mapping[str, Any], folder: Path
) -> None:
    kind = SubmissionKind(phase["kinds"][0])
    [required] = described["tasks"][phase["tasks"][0]]["outputs"]["required"]
    with world.site.store.incoming() as incoming:
        incoming.write(_content(kind, required, folder / f"{phase['id']}.tar"))
        stored = incoming.commit()
    with world.database.writing() as session:
        submit(
            session,
            actor=Actor(person_id=world.person, name="Ada"),
            challenge_slug="digits",
            phase_slug=phase["id"],
            kind=kind,
            upload=Upload(sha256=stored.sha256, size=stored.size),
            filename="submission.zip",
            note="",
            answers=_answers(described),
            now=world.clock(),
        )


def _answers(described: Mapping[str, Any]) -> dict[str, str]:
    return {
        one["key"]: one["choices"][0] if "choices" in one else ANSWERS[one["key"]]
        for one in described.get("questions", ())
    }


def _content(kind: SubmissionKind, required: str, place: Path) -> bytes:
    if kind is SubmissionKind.CODE:
        return packed_code(str(place))
    if kind is SubmissionKind.IMAGE:
        entry = Entry(path="app/predict", content=place.name.encode(), mode=0o755)
        write_archive([entry], place, architecture="amd64")
        return place.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(required, place.name)
    return packed.getvalue()


def _admit(world: World, phase: Mapping[str, Any]) -> None:
    """Let the organisers admit the team where a phase asks for that."""
    if phase.get("after", {}).get("needs") != Needs.ORGANISERS:
        return
    with world.database.writing() as session:
        session.add(
            PhaseAdmission(
                phase_id=session.scalars(select(Phase.id).where(Phase.slug == phase["id"])).one(),
                team_id=session.scalars(select(Team.id)).one(),
                admitted_by=world.person,
                admitted_at=world.clock(),
            )
        )


def _score(world: World, described: Mapping[str, Any], output: Path) -> int:
    """Write the scores that the columns of a task want, each 0.5."""
    with world.database.reading() as session:
        task = session.scalars(
            select(Task.slug)
            .join(Evaluation, Evaluation.task_id == Task.id)
            .join(Job, Job.evaluation_id == Evaluation.id)
            .join(Attempt, Attempt.job_id == Job.id)
            .where(Attempt.token == output.parent.name)
        ).one()
    keys = [
        one.get("from", one["key"])
        for one in described["columns"]
        if "compute" not in one and one.get("task", task) == task
    ]
    (output / "scores.json").write_text(json.dumps(dict.fromkeys(keys, 0.5)))
    return 0


def _run(world: World) -> None:
    """Run passes until all is scored."""
    for _ in range(MAX_PASSES):
        with world.database.reading() as session:
            states = set(session.scalars(select(Evaluation.state)))
        if states == {EvaluationState.SCORED}:
            return
        assert not {EvaluationState.FAILED, EvaluationState.HELD} & states
        world.run()
    raise AssertionError(f"still {states}")
