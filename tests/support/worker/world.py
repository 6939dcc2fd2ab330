"""A small site with a real database and store, a pretended cluster and a pretended node."""

import functools
import io
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from containers.archives import Entry, write_archive
from portal import bootstrap
from portal.bootstrap import Installation
from portal.db.engine import Database
from portal.db.tables import (
    Attempt,
    Evaluation,
    Image,
    Job,
    Person,
    Phase,
    Task,
)
from portal.domain.accounts.people import Actor
from portal.domain.evaluations.states import AttemptState
from portal.domain.ids import new_id
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.untrusted import Slug
from portal.services.evaluations.task_approvals import approval_of
from portal.services.submissions.submit import Upload, submit
from portal.worker.context import WorkerContext
from portal.worker.file_work.work import AtOnce
from portal.worker.heartbeat import Pulse
from portal.worker.loop import run_pass
from scheduler.memory import MemoryScheduler
from tests.support.required import required
from tests.support.worker.eager import eager
from tests.support.worker.pretended_node import PretendedNode

START = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
BUSYBOX = Path("/bin/busybox")
MAX_PASSES = 60


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class World:
    """Everything that a test of the worker needs at hand."""

    site: Installation
    context: WorkerContext
    scheduler: MemoryScheduler
    node: PretendedNode
    clock: Clock
    person: str

    @property
    def database(self) -> Database:
        return self.site.database

    def submit(
        self,
        kind: SubmissionKind = SubmissionKind.CODE,
        content: bytes = b"",
        *,
        smoke: bool = False,
        challenge: str = "digits",
        by: str = "",
    ) -> str:
        """Submit something, as the world's own person or ``by`` another; return the submission's id."""
        with self.site.store.incoming() as incoming:
            incoming.write(content or packed_code())
            stored = incoming.commit()
        with self.database.writing() as session:
            return submit(
                session,
                actor=Actor(person_id=by or self.person, name="Ada"),
                challenge_slug=challenge,
                phase_slug="dev",
                kind=kind,
                upload=Upload(sha256=stored.sha256, size=stored.size),
                filename="submission.zip",
                note="",
                smoke=smoke,
                now=self.clock(),
            )

    def prove_scorer(self) -> None:
        """Let it be known that the scorer has given a score: from then on no failure in a sealed phase is spared."""
        with self.database.writing() as session:
            for task in session.scalars(select(Task)):
                session.get_one(Image, task.scorer_image_id).scored_at = self.clock()

    def approve(self) -> None:
        """Approve what the database says, as an operator does after a change."""
        with self.database.reading() as session:
            approval = approval_of(session, "digits")
        self.context.approvals.put(Slug("digits"), approval)

    def run(self, passes: int = 1, seconds: float = 1) -> None:
        """Run passes, letting time go by and the cluster work between them."""
        Pulse(self.context).beat(eager())
        for _ in range(passes):
            run_pass(self.context, eager())
            self.scheduler.advance()
            self.clock.advance(seconds)

    def run_until_sent(self, kind: str, number: int = 1) -> None:
        """Run passes until the cluster has that attempt of a job, not yet started."""
        for _ in range(MAX_PASSES):
            run_pass(self.context, eager())
            attempts = self.attempts(kind)
            if len(attempts) == number and attempts[-1].state is AttemptState.QUEUED:
                return
            self.scheduler.advance()
            self.clock.advance(1)
        raise AssertionError(f"attempt {number} of {kind} was never sent")

    def run_until_final(self, submission: str) -> Evaluation:
        """Run passes until the submission's evaluation has ended; return it."""
        for _ in range(MAX_PASSES):
            evaluation = self.evaluation(submission)
            if evaluation.state.is_final:
                return evaluation
            self.run()
        raise AssertionError(f"still {evaluation.state} after {MAX_PASSES} passes")

    def evaluation(self, submission: str) -> Evaluation:
        with self.database.reading() as session:
            return session.scalars(
                select(Evaluation).where(Evaluation.submission_id == submission)
            ).one()

    def attempts(self, kind: str) -> list[Attempt]:
        with self.database.reading() as session:
            return list(
                session.scalars(
                    select(Attempt).join(Job).where(Job.kind == kind).order_by(Attempt.token)
                )
            )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(database: Database, tmp_path: Path, clock: Clock) -> World:
    return make_world(database, tmp_path, clock)


def make_world(database: Database, folder: Path, clock: Clock) -> World:
    """Write a site into the folder and open it with this database."""
    required("Debian's busybox-static", BUSYBOX.exists())
    site = replace(bootstrap.open_site(write_site(folder)), database=database, clock=clock)
    bootstrap.add_challenge(site, write_challenge(folder / "challenge"))
    node = PretendedNode()
    scheduler = MemoryScheduler(runner=node, clock=clock)
    context = bootstrap.worker_contexts(site)[0]
    context = replace(
        context,
        cluster=replace(context.cluster, scheduler=scheduler),
        file_work=AtOnce(),
    )
    with database.writing() as session:
        person = Person(id=new_id(clock()), name="Ada", created_at=clock())
        session.add(person)
    return World(
        site=site,
        context=context,
        scheduler=scheduler,
        node=node,
        clock=clock,
        person=person.id,
    )


def write_site(folder: Path) -> Path:
    for name in ("storage", "data/test", "data/truth"):
        (folder / name).mkdir(parents=True)
    profile = {"cluster": "main", "partition": "p", "cpus": 1, "memory": "1G", "time": "1m"}
    settings = {
        "site": {"name": "Test", "url": "http://127.0.0.1:8000", "support": "help@uni.example"},
        "database": {"url": "sqlite:///unused.db"},
        # One pass or two: tests need not wait for minutes.
        "worker": {"pauses": ["1s", "1s"]},
        "clusters": {"main": {"connect": "local", "storage": str(folder / "storage")}},
        "profiles": {name: {**profile} for name in ("gpu-small", "score", "build")},
        "data": {
            f"digits-{name}": {
                "path": str(folder / "data" / name),
                "challenges": ["digits"],
                # Tests that count jobs would have to count these as well.
                "measure": False,
            }
            for name in ("test", "truth")
        },
        "probe": {"busybox": str(BUSYBOX)},
    }
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def write_challenge(folder: Path) -> Path:
    folder.mkdir()
    (folder / "overview.md").write_text("# Overview\n")
    (folder / "sample/input").mkdir(parents=True)
    (folder / "sample/input/cells.csv").write_text("public\n", encoding="ascii")
    for name, program in (("scorer", "app/score"), ("base", "app/predict")):
        entry = Entry(path=program, content=name.encode(), mode=0o755)
        write_archive([entry], folder / f"{name}.tar", architecture="amd64")
    challenge = {
        "schema": 1,
        "slug": "digits",
        "title": "Digits",
        "pages": [{"title": "Overview", "file": "overview.md"}],
        "tasks": {
            "digits": {
                "input": {"data": "digits-test"},
                "truth": {"data": "digits-truth"},
                "sample": "sample",
                "scorer": {"image": "scorer.tar"},
                "base": {"image": "base.tar"},
                "predict": {"profile": "gpu-small"},
                "score": {"profile": "score"},
                "outputs": {"max": "1M", "files": 10, "required": ["predictions.csv"]},
            }
        },
        "phases": [
            {
                "id": "dev",
                "start": "2026-11-01T00:00Z",
                "end": "2027-01-01T00:00Z",
                "tasks": ["digits"],
                "kinds": ["image", "code", "results"],
                "limits": {"per_day": 3, "total": 5, "running": 2},
                "failures": "typed",
            }
        ],
        "leaderboard": {
            "columns": [
                {
                    "key": "accuracy",
                    "title": "Accuracy",
                    "precision": 3,
                    "min": 0,
                    "max": 1,
                    "primary": True,
                },
                {"key": "loss", "title": "Loss", "sort": "asc"},
            ]
        },
    }
    (folder / "challenge.yaml").write_text(yaml.safe_dump(challenge))
    return folder


@functools.cache
def packed_code(content: str = "print()") -> bytes:
    """Return a code submission with that program."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("predict.py", content)
    return packed.getvalue()


def change_phase(world: World, **values: object) -> None:
    with world.database.writing() as session:
        phase = session.scalars(select(Phase)).one()
        for name, value in values.items():
            setattr(phase, name, value)
    world.approve()


def another_person(world: World, name: str) -> str:
    with world.database.writing() as session:
        person = Person(id=new_id(world.clock()), name=name, created_at=world.clock())
        session.add(person)
    return person.id


def ready(world: World) -> None:
    """Let everything be built, with nothing running yet, and lift the limits of the phase."""
    world.run_until_final(world.submit())
    with world.database.writing() as session:
        phase = session.scalars(select(Phase)).one()
        phase.per_day = phase.total = phase.running = None
