"""How long a submission waits for the portal, beside what Slurm itself takes.

``python -m tests.bench.waits.measure EXAMPLE`` is the part that runs as the practice site's account.
"""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select, update

from portal import bootstrap
from portal.db.tables import Evaluation, Person, Phase
from portal.domain.accounts.people import Actor
from portal.domain.evaluations.states import EvaluationState
from portal.domain.ids import new_id
from portal.domain.submissions.limits import SubmissionKind
from portal.services.submissions import submit
from portal.services.submissions.submit import Upload
from tests.bench.waits.by_hand import run_by_hand
from tests.bench.waits.report import show, show_runs
from tests.bench.waits.site import portal_with_worker
from tests.bench.waits.spans import Way, way_of

CODE, RESULTS, TOGETHER = 8, 4, 8
"""How many submissions: of code and of results one after the other, then code all at once."""
PATIENCE = 300.0
"""Seconds that everything under way may take."""
PAUSES = (1.1, 1.37, 1.61, 1.83)
"""Seconds between two submissions: the worker is idle again, and is met anywhere in its pause."""


class WaitsError(Exception):
    """A submission did not come out as it should."""


def main(example: Path) -> int:
    """Measure on the practice site, and print; return 0 if every submission was scored."""
    with portal_with_worker(example) as installation:
        files = example / "submissions"
        bench = Bench(installation)
        context = bootstrap.worker_contexts(installation)[0]
        # The first of a kind builds its images, which is no part of the waits.
        for kind, file in (("code", "knn.zip"), ("results", "predictions.csv")):
            bench.submit(kind, files / file)
        bench.wait()
        one_by_one, by_hand = [], []
        for number in range(CODE):
            one_by_one.append(bench.submit_alone("code", files / "knn.zip", number))
            # In turns, so that both meet the same machine.
            by_hand.append(run_by_hand(context, one_by_one[-1]))
        scored = [
            bench.submit_alone("results", files / "predictions.csv", number)
            for number in range(RESULTS)
        ]
        together = [bench.submit("code", files / "knn.zip") for _ in range(TOGETHER)]
        bench.wait()
        ways = bench.ways(one_by_one)
        show(ways, bench.ways(scored), bench.ways(together))
        show_runs(ways, by_hand)
    return 0


class Bench:
    """Submits and waits, straight through the services: no browser is measured."""

    def __init__(self, installation: bootstrap.Installation) -> None:
        self._site = installation
        now = datetime.now(UTC)
        person = Person(id=new_id(now), name="Bench", created_at=now)
        with installation.database.writing() as session:
            session.add(person)
            session.execute(update(Phase).values(per_day=None, total=None, running=None))
        self._actor = Actor(person_id=person.id, name=person.name)

    def submit(self, kind: str, file: Path) -> str:
        stored = self._site.store.add(file)
        with self._site.database.writing() as session:
            return submit.submit(
                session,
                actor=self._actor,
                challenge_slug="digits",
                phase_slug="dev",
                kind=SubmissionKind(kind),
                upload=Upload(sha256=stored.sha256, size=stored.size),
                filename=file.name,
                note="",
                now=datetime.now(UTC),
            )

    def submit_alone(self, kind: str, file: Path, number: int) -> str:
        time.sleep(PAUSES[number % len(PAUSES)])
        submission = self.submit(kind, file)
        self.wait()
        return submission

    def wait(self) -> None:
        """Wait until everything that was submitted is scored."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with self._site.database.reading() as session:
                states = set(session.scalars(select(Evaluation.state)))
            if states == {EvaluationState.SCORED}:
                return
            if bad := [state for state in states if state.is_final and state != "scored"]:
                raise WaitsError(f"a submission is {bad[0]} instead of scored")
            time.sleep(0.1)
        raise WaitsError(f"not scored in {PATIENCE:.0f} s")

    def ways(self, submission_ids: list[str]) -> list[Way]:
        cluster = next(iter(self._site.settings.clusters.values()))
        scheduler = bootstrap.scheduler_of(cluster)
        with self._site.database.reading() as session:
            return [
                way_of(session, scheduler, cluster.storage / "runs", submission)
                for submission in submission_ids
            ]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
