"""Two clusters in one site: each has its own images, and neither waits for the other."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from portal import bootstrap
from portal.db.engine import Database
from portal.db.tables import Evaluation, Image, Job, Person, Task
from portal.domain.accounts.people import Actor
from portal.domain.evaluations.states import EvaluationState, ImageState
from portal.domain.ids import new_id
from portal.domain.submissions.limits import SubmissionKind
from portal.services.submissions.submit import Upload, submit
from portal.worker.context import WorkerContext
from portal.worker.file_work.work import AtOnce
from portal.worker.loop import run_pass
from scheduler.memory import MemoryScheduler
from tests.support.worker.eager import eager
from tests.support.worker.pretended_node import PretendedNode
from tests.support.worker.world import Clock, World, packed_code, write_challenge, write_site

CLUSTERS = ("main", "second")


def two_clusters(folder: Path) -> Path:
    """Write a site in which ``second`` has storage and profiles of its own, for the challenge cells."""
    path = write_site(folder)
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    (folder / "second").mkdir()
    settings["clusters"]["second"] = {
        "connect": "local", "storage": str(folder / "second"), "build": "second-build",
    }  # fmt: skip
    for name in ("gpu-small", "score", "build"):
        own = dict(settings["profiles"][name], cluster="second")
        settings["profiles"][f"second-{name}"] = own
    for data in settings["data"].values():
        data["challenges"].append("cells")
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def challenge_on_the_second(folder: Path) -> Path:
    bundle = write_challenge(folder)
    file = bundle / "challenge.yaml"
    described = yaml.safe_load(file.read_text(encoding="utf-8"))
    described["slug"] = "cells"
    task = described["tasks"]["digits"]
    task["predict"]["profile"], task["score"]["profile"] = "second-gpu-small", "second-score"
    file.write_text(yaml.safe_dump(described), encoding="utf-8")
    return bundle


class Both:
    """A worker's two contexts, each with a pretended cluster, and a world to ask in."""

    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        site = replace(bootstrap.open_site(two_clusters(folder)), database=database, clock=clock)
        bootstrap.add_challenge(site, write_challenge(folder / "digits"))
        bootstrap.add_challenge(site, challenge_on_the_second(folder / "cells"))
        self.schedulers = {
            name: MemoryScheduler(runner=PretendedNode(), clock=clock) for name in CLUSTERS
        }
        self.contexts: dict[str, WorkerContext] = {
            context.cluster.name: replace(
                context,
                cluster=replace(context.cluster, scheduler=self.schedulers[context.cluster.name]),
                file_work=AtOnce(),
            )
            for context in bootstrap.worker_contexts(site)
        }
        self.site, self.clock, self.folder = site, clock, folder

    def submit(self, person: str, slug: str) -> str:
        with self.site.store.incoming() as incoming:
            incoming.write(packed_code())
            stored = incoming.commit()
        with self.site.database.writing() as session:
            return submit(
                session,
                actor=Actor(person_id=person, name="Ada"),
                challenge_slug=slug,
                phase_slug="dev",
                kind=SubmissionKind.CODE,
                upload=Upload(sha256=stored.sha256, size=stored.size),
                filename="submission.zip",
                note="",
                now=self.clock(),
            )

    def run(self, *clusters: str, passes: int = 40) -> None:
        for _ in range(passes):
            for name in clusters:
                run_pass(self.contexts[name], eager())
                self.schedulers[name].advance()
            self.clock.advance(1)

    def state(self, submission: str) -> EvaluationState:
        with self.site.database.reading() as session:
            return session.scalars(
                select(Evaluation.state).where(Evaluation.submission_id == submission)
            ).one()


@pytest.fixture
def both(database: Database, tmp_path: Path, clock: Clock) -> Both:
    return Both(database, tmp_path, clock)


@pytest.fixture
def person(both: Both) -> str:
    with both.site.database.writing() as session:
        person = Person(id=new_id(both.clock()), name="Ada", created_at=both.clock())
        session.add(person)
    return person.id


def test_each_challenge_runs_where_its_profiles_are(both: Both, person: str) -> None:
    on_main, on_second = both.submit(person, "digits"), both.submit(person, "cells")

    both.run(*CLUSTERS)

    with both.site.database.reading() as session:
        clusters = {
            slug: set(
                session.scalars(
                    select(Job.cluster)
                    .join(Evaluation, Evaluation.id == Job.evaluation_id)
                    .where(Evaluation.submission_id == submission)
                )
            )
            for slug, submission in (("digits", on_main), ("cells", on_second))
        }
    assert (both.state(on_main), both.state(on_second)) == (EvaluationState.SCORED,) * 2
    assert clusters == {"digits": {"main"}, "cells": {"second"}}


def test_the_same_upload_is_built_once_on_each_cluster_and_lies_there(
    both: Both, person: str
) -> None:
    for slug in ("digits", "cells", "cells"):
        both.submit(person, slug)

    both.run(*CLUSTERS)

    with both.site.database.reading() as session:
        images = session.scalars(select(Image).where(Image.kind == "code")).all()
        tasks = {task.cluster for task in session.scalars(select(Task))}
    assert sorted(image.cluster for image in images) == ["main", "second"]
    assert {image.state for image in images} == {ImageState.READY}
    assert tasks == {"main", "second"}
    for image in images:
        storage = both.contexts[image.cluster].cluster.storage
        assert (storage / "images" / f"{image.sif_sha256}.sif").exists()


def test_one_that_stands_still_does_not_hold_up_the_other(both: Both, person: str) -> None:
    on_main, on_second = both.submit(person, "digits"), both.submit(person, "cells")

    both.run("second")
    before = (both.state(on_main), both.state(on_second))
    both.run("main")

    assert before == (EvaluationState.WAITING, EvaluationState.SCORED)
    assert both.state(on_main) is EvaluationState.SCORED


def test_one_cluster_stays_one_world(world: World) -> None:
    assert world.context.keeps_uploads
    assert world.context.stores == (world.site.store,)
