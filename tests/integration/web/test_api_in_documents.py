"""The commands in docs/how-to/use-the-api.md are run as they stand there, and answer what it says."""

import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.db.tables import Evaluation
from portal.domain.accounts.tokens import Scope
from portal.domain.evaluations.states import EvaluationState
from tests.support.servers.portal import free_port, serving
from tests.support.web.site import Site, SiteMaker

PAGE = Path(__file__).parents[3] / "docs/how-to/use-the-api.md"
EXAMPLE = "https://challenges.example.org"
BLOCK = re.compile(r"^```(sh|json)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
OWN = re.compile(r'"(id|request_id)":"[^"]*"')
"""What differs from one run to the next; the page has three dots there."""


@pytest.fixture
def served(new_site: SiteMaker) -> Iterator[Site]:
    port = free_port()
    site = new_site(site_url=f"http://127.0.0.1:{port}")
    with serving(site.app, port):
        yield site


@pytest.fixture
def worker(served: Site) -> Iterator[None]:
    """Settle what is submitted, as the worker does in the end."""
    is_over = threading.Event()

    def settle() -> None:
        while not is_over.wait(0.05):
            with served.context.database.writing() as session:
                waiting = session.scalars(
                    select(Evaluation).where(Evaluation.state == EvaluationState.WAITING)
                )
                for evaluation in waiting:
                    evaluation.state = EvaluationState.CANCELLED

    thread = threading.Thread(target=settle)
    thread.start()
    yield
    is_over.set()
    thread.join()


def blocks() -> list[tuple[str, str]]:
    """Return the kinds and texts of the page's blocks, in order."""
    return [(match[1], match[2]) for match in BLOCK.finditer(PAGE.read_text("utf-8"))]


def script(site: Site, token: str) -> str:
    """Return the commands of the page for a site and a token; a line stands between blocks."""
    commands = "".join(f"{text}\necho; echo -----\n" for kind, text in blocks() if kind == "sh")
    # Nobody is asked twice in half a minute here; the rest stays as it is on the page.
    assert commands.count("sleep 30") == 1
    return (
        commands.replace(EXAMPLE, site.context.site_url)
        .replace("sealrun_...", token)
        .replace("sleep 30", "sleep 0.1")
    )


@pytest.mark.usefixtures("worker")
def test_the_commands_in_the_page_work(served: Site, tmp_path: Path) -> None:
    (tmp_path / "predictions.csv").write_text("id,digit\n1,7\n")
    token = served.token(served.ada, Scope.READ, Scope.SUBMIT)

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script(served, token)],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    answers = done.stdout.split("-----\n")
    expected = _expected()
    assert len(answers) == len(expected) + 1
    for answer, told in zip(answers, expected, strict=False):
        if told is not None:
            assert OWN.sub(r'"\1":"..."', answer.strip()) == told
    assert '"note":"from a script"' in answers[-4]
    assert '"state":"cancelled"' in answers[-4]
    assert (tmp_path / "sealrun.header").stat().st_mode & 0o077 == 0


def _expected() -> list[str | None]:
    """Return for each block of commands what the page says that it answers."""
    found: list[str | None] = []
    for kind, text in blocks():
        if kind == "sh":
            found.append(None)
        else:
            found[-1] = text.strip()
    return found
