"""A site of its own on the practice cluster, with the digits challenge: submit, work, look."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from examples.demo.settings import prepare_site
from portal import bootstrap
from portal.bootstrap import Installation
from portal.db import schema
from portal.db.tables import Attempt, Evaluation, Image, Job, Lease, Person, Result, Standing
from portal.domain.accounts.people import Actor
from portal.domain.evaluations.states import AttemptState, ImageState
from portal.domain.ids import new_id
from portal.domain.submissions.limits import SubmissionKind
from portal.services.submissions.submit import Upload, submit
from scheduler.ssh.transport import SshTransport
from site_config.practice.site import PracticeSite

CHECKOUT = Path(__file__).resolve().parents[3]
KINDS = {
    ".zip": SubmissionKind.CODE,
    ".tar": SubmissionKind.IMAGE,
    ".csv": SubmissionKind.RESULTS,
}
HONEST = ("knn.zip", "centroid.tar", "predictions.csv")
CLOSED = (AttemptState.COLLECTED, AttemptState.LOST)
LOST_THE_CLAIM = "75:0"
SECRET_VALUE = "hunter2-of-the-portal"
PATIENCE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterJob:
    """One job as accounting on the cluster has it."""

    job_id: str
    name: str
    state: str
    exit_code: str
    resources: frozenset[str]

    @property
    def ran(self) -> bool:
        """Whether it had the claim: a duplicate ends at once with a code of its own."""
        return self.exit_code != LOST_THE_CLAIM and not self.state.startswith("CANCELLED")


@dataclass
class Spine:
    """An open site; files, database and storage are its own and go with it."""

    settings: Path
    site: Installation
    example: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def storage(self) -> Path:
        return next(iter(self.site.settings.clusters.values())).storage

    def submit(self, name: str, person: str, *, smoke: bool = False) -> str:
        """Submit one of the example's files; return the submission's id."""
        file = self.example / "submissions" / name
        stored = self.site.store.add(file)
        with self.site.database.writing() as session:
            return submit(
                session,
                actor=Actor(person_id=person, name="Ada"),
                challenge_slug="digits",
                phase_slug="dev",
                kind=KINDS[file.suffix],
                upload=Upload(sha256=stored.sha256, size=stored.size),
                filename=name,
                note="",
                smoke=smoke,
                now=self.site.clock(),
            )

    def new_person(self) -> str:
        now = self.site.clock()
        person = Person(id=new_id(now), name="Ada", created_at=now)
        with self.site.database.writing() as session:
            session.add(person)
        return person.id

    def start_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start the real worker in a process of its own; its log lies beside the settings."""
        with (self.settings.parent / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "portal", "work", "--site", str(self.settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=CHECKOUT,
                env={**os.environ, **environment},
            )
        self.workers.append(worker)
        return worker

    def log(self) -> str:
        return (self.settings.parent / "worker.log").read_text()

    def evaluations(self) -> dict[str, Evaluation]:
        """Return the evaluations by submission."""
        with self.site.database.reading() as session:
            return {one.submission_id: one for one in session.scalars(select(Evaluation))}

    def results(self) -> dict[str, Result]:
        """Return the results by submission."""
        with self.site.database.reading() as session:
            submissions = {one.id: one.submission_id for one in session.scalars(select(Evaluation))}
            return {submissions[one.evaluation_id]: one for one in session.scalars(select(Result))}

    def standings(self) -> dict[str, dict[str, float]]:
        """Return the shown scores by the submission that stands for a team."""
        with self.site.database.reading() as session:
            rows = session.scalars(select(Standing))
            return {row.submission_id: row.scores for row in rows}

    def attempts(self) -> list[tuple[Attempt, Job]]:
        with self.site.database.reading() as session:
            rows = session.execute(
                select(Attempt, Job).join(Job, Attempt.job_id == Job.id).order_by(Attempt.token)
            )
            return [(attempt, job) for attempt, job in rows]

    def lease_holder(self) -> str:
        with self.site.database.reading() as session:
            of_clusters = select(Lease.holder).where(Lease.name.startswith("cluster:"))
            return session.scalars(of_clusters).one()

    def is_settled(self) -> bool:
        """Whether everything that was submitted has ended, and nothing is on its way."""
        with self.site.database.reading() as session:
            evaluations = set(session.scalars(select(Evaluation.state)))
            images = set(session.scalars(select(Image.state)))
            open_jobs = session.scalars(select(Job.id).where(Job.is_open)).all()
        return (
            all(state.is_final for state in evaluations)
            and images <= {ImageState.READY, ImageState.FAILED}
            and not open_jobs
        )

    def wait(self, patience: timedelta, until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + patience.total_seconds()
        while not until():
            if time.monotonic() > deadline:
                states = {one.state.value for one in self.evaluations().values()}
                raise AssertionError(f"not so after {patience}: {states}; {self.log()[-3000:]}")
            time.sleep(0.2)

    def expected(self) -> dict[str, dict[str, float]]:
        """Return the scores that the honest files must get, by file."""
        return self._answers("expected.json")

    def expected_failures(self) -> dict[str, str]:
        return self._answers("bad.json")

    def _answers(self, name: str) -> dict[str, Any]:
        answers: dict[str, Any] = json.loads((self.example / "submissions" / name).read_text())
        return answers

    def accounting(self) -> list[ClusterJob]:
        """Ask the cluster for every job of the portal's attempts, whatever the portal thinks."""
        names = ",".join(attempt.token for attempt, _ in self.attempts())
        argv = [
            *("sacct", "--allocations", "--duplicates", "--parsable2", "--noheader"),
            *("--starttime=now-1hours", "--format=JobIDRaw,JobName,State,ExitCode,AllocTRES"),
            f"--name={names}",
        ]
        with self._transport() as transport:
            answer = transport.run(argv, timeout=timedelta(seconds=30))
        assert answer.returncode == 0, answer.stderr
        rows = (line.split("|") for line in answer.stdout.decode().splitlines())
        return [
            ClusterJob(
                job_id=job_id,
                name=name,
                state=state,
                exit_code=code,
                resources=frozenset(resources.split(",")),
            )
            for job_id, name, state, code, resources in rows
        ]

    @contextmanager
    def _transport(self) -> Iterator[SshTransport]:
        ssh = next(iter(self.site.settings.clusters.values())).connect.ssh
        assert ssh is not None
        transport = SshTransport(
            host=ssh.host,
            port=ssh.port,
            user=ssh.user,
            key_file=ssh.key_file,
            known_hosts=ssh.known_hosts,
        )
        try:
            yield transport
        finally:
            transport.close()

    def close(self) -> None:
        """End the workers and remove everything."""
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            worker.wait(timeout=30)
        self.site.database.engine.dispose()
        data = [Path(entry.path) for entry in self.site.settings.data.values()]
        for folder in (self.settings.parent, self.storage, *{path.parent for path in data}):
            shutil.rmtree(folder, ignore_errors=True)


def open_spine(practice: str, example: Path, *, changes: Iterable[Mapping[str, Any]] = ()) -> Spine:
    """Make a new site on the practice site of that name and add the digits challenge."""
    demo = prepare_site(
        PracticeSite(practice).status(),
        example,
        portal_port=8000,
        provider_port=9400,
        name=f"tests-{secrets.token_hex(4)}",
    )
    settings = yaml.safe_load(demo.settings.read_text())
    # What the cluster fails is tried twice more, as on any site, but nobody waits for minutes in between.
    settings["worker"] = settings.get("worker", {}) | {"pauses": ["1s", "1s"]}
    for change in changes:
        settings |= change
    demo.settings.write_text(yaml.safe_dump(settings, sort_keys=False))
    site = bootstrap.open_site(demo.settings)
    schema.upgrade(site.database)
    bootstrap.add_challenge(site, example / "challenge", untried=True)
    return Spine(settings=demo.settings, site=site, example=example)


OpenSpine = Callable[..., Spine]
