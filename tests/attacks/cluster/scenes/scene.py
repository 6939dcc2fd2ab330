"""A private challenge on the practice site, a worker of the ordinary account, and the pages that people see."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from starlette.testclient import TestClient

from examples.demo.account import CHECKOUT, as_account
from portal import bootstrap
from portal.db.tables import Person, Submission
from portal.domain.evaluations.jobs import JobKind
from portal.domain.ids import new_id
from portal.web.app import create_app
from site_config.practice.site import PracticeSite
from tests.attacks.cluster.scenes.hostile import write_example
from tests.support.cluster.ownership import hand_over
from tests.support.cluster.spine import Spine, open_spine
from tests.support.servers.portal import log_in

PATIENCE = timedelta(minutes=12)
TEAM_HOURS = 0.1
"""Room for one run, which counts as a whole step of five minutes here, and another of 40 s after or before it."""
SETTINGS = {
    "grace": {"submit": "6s", "absent": "8s"},
    "shares": {"digits": {"team_gpu_hours": TEAM_HOURS}},
}
SECRET = "hunter2-of-the-portal"


@dataclass
class Scene:
    """What was submitted, by name, and by whom."""

    practice: PracticeSite
    spine: Spine
    submissions: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)

    def submit(self, name: str, *, called: str = "", by: str = "", smoke: bool = False) -> str:
        """Submit a file; return the submission's id, which is known as ``called`` or by the file's name."""
        person = by or self.spine.new_person()
        submission = self.spine.submit(name, person, smoke=smoke)
        self.give()
        self.submissions[called or name] = submission
        self.people[submission] = person
        return submission

    def give(self) -> None:
        """Hand over to the account what root made in its name."""
        owner = self.practice.status().account_uid
        assert owner is not None
        data = [Path(entry.path) for entry in self.spine.site.settings.data.values()]
        hand_over(self.spine.settings.parent, self.spine.storage, *data, account=owner)

    def start_worker(self) -> None:
        """Start the real worker as the ordinary account, with a secret in its environment."""
        argv = [sys.executable, "-m", "portal", "work", "--site", str(self.spine.settings)]
        with (self.spine.settings.parent / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                as_account(argv, self.practice.status(), home="home"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=CHECKOUT,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "SEALRUN_SECRET": SECRET},
            )
        self.spine.workers.append(worker)

    def wait(self, *names: str) -> None:
        """Wait until these have ended."""
        wanted = {self.submissions[name] for name in names}

        def ended() -> bool:
            found = self.spine.evaluations()
            return all(one in found and found[one].state.is_final for one in wanted)

        self.spine.wait(PATIENCE, ended)

    def reason(self, name: str) -> str:
        """Return why it failed, or its state."""
        evaluation = self.spine.evaluations()[self.submissions[name]]
        return str(evaluation.reason or evaluation.state.value)

    def scores(self, name: str) -> dict[str, float] | None:
        result = self.spine.results().get(self.submissions[name])
        return result.scores if result else None

    def run_directory(self, name: str, kind: JobKind = JobKind.PREDICT) -> Path:
        """Return the directory of the last job of a kind."""
        evaluation = self.spine.evaluations()[self.submissions[name]]
        [*_, (token, job)] = [
            (attempt.token, job.id)
            for attempt, job in self.spine.attempts()
            if job.evaluation_id == evaluation.id and job.kind is kind
        ]
        return self.spine.storage / "runs" / job / token

    def browser(self, person: str) -> TestClient:
        """Return a browser in which somebody is logged in."""
        context = bootstrap.web_context(self.spine.site)
        browser = TestClient(create_app(context), base_url=context.site_url)
        browser.cookies["sealrun"] = log_in(context, person)
        return browser

    def staff(self) -> TestClient:
        now = self.spine.site.clock()
        person = Person(id=new_id(now), name="Site Staff", created_at=now, is_staff=True)
        with self.spine.site.database.writing() as session:
            session.add(person)
        return self.browser(person.id)

    def page(self, name: str) -> str:
        """Return what the team sees of its submission, without what is its own: names, sizes, ids and times."""
        submission = self.submissions[name]
        answer = self.browser(self.people[submission]).get(f"/submissions/{submission}")
        assert answer.status_code == 200
        main = answer.text.partition("<main")[2].partition("</main>")[0]
        text = re.sub(r"<time.*?</time>|<[^>]*>", " ", main, flags=re.DOTALL)
        text = re.sub(r"\s+", " ", html.unescape(text)).strip()
        for own in (submission, name, self.submissions_sha(name)):
            text = text.replace(own, "…")
        return re.sub(r"Ada \(\d+\)|Size .*? SHA-256", "…", text)

    def submissions_sha(self, name: str) -> str:
        """Return the digest of what was submitted, as pages show it."""
        with self.spine.site.database.reading() as session:
            return session.get_one(Submission, self.submissions[name]).blob_sha256


@contextmanager
def open_scene(practice: PracticeSite, digits: Path, folder: Path) -> Iterator[Scene]:
    """Open the site; remove all of it afterwards."""
    spine = open_spine(practice.name, write_example(digits, folder), changes=[SETTINGS])
    scene = Scene(practice, spine)
    scene.give()
    try:
        yield scene
    finally:
        spine.close()
