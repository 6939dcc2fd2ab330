"""docs/tutorial/first-challenge.md, block by block: by root until it says so, and then by an ordinary account.

Replaced are the name of the practice site, its account, and the ports, so that others can run beside it.
The root layer is the one of the example where that is built; the browser is a participant's requests.
"""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from examples.demo.account import CHECKOUT
from examples.demo.participant import Participant, Seen
from examples.demo.processes import free_port
from examples.digits.build import DEFAULT_CACHE, root_layer_path
from site_config.practice.site import PracticeSite
from tests.practice.portals import settled
from tests.support.documents import Block, blocks_of

pytestmark = pytest.mark.cluster

DOCUMENT = CHECKOUT / "docs/tutorial/first-challenge.md"
BECOMES = "site_config.practice.ordinary_user"
LINKED = (".venv", "examples", "site_config", "portal", "scheduler", "containers")
NOT_RUN = ("git clone REPOSITORY sealrun\ncd sealrun", "site practice:")
"""Starting the practice site, which is there, and what that prints."""
FILE = re.compile(r"`(first/[\w./]+)`")


@dataclass
class Shell:
    """A shell that is typed into."""

    process: "subprocess.Popen[str]"
    typed: list[str] = field(default_factory=list)

    def type(self, text: str) -> str:
        """Type a block and return what it printed; each line that is a command has to end well."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.typed.append(text)
        # What a block starts must not read what is typed after it.
        self.process.stdin.write(f"{{\n{text}\n}} < /dev/null\necho; echo --ended\n")
        self.process.stdin.flush()
        printed = []
        while not (line := self.process.stdout.readline()).startswith("--ended"):
            assert line, (text, printed)
            printed.append(line)
        return "".join(printed).rstrip("\n")


@dataclass(frozen=True)
class Followed:
    """What there is after the last block."""

    folder: Path
    home: Path
    printed: list[str]
    portal: str
    scored: Seen
    refused: Seen


@pytest.fixture(scope="module")
def folder(site: PracticeSite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return something like a fresh clone, in which nothing is changed but what the document makes."""
    clone = tmp_path_factory.mktemp("clone")
    clone.chmod(0o755)
    for name in LINKED:
        (clone / name).symlink_to(CHECKOUT / name)
    layer = root_layer_path(DEFAULT_CACHE)
    if layer.exists():
        (clone / "first").mkdir()
        shutil.copyfile(layer, clone / "first/root.tar")
    return clone


@pytest.fixture(scope="module")
def followed(site: PracticeSite, folder: Path) -> Iterator[Followed]:
    status, home = site.status(), site.paths.home / "tutorial"
    # Behind the links of what stands for a clone.
    linked = (CHECKOUT, Path(sys.prefix).resolve(), Path(sys.base_prefix))
    uid, portal, provider = str(status.account_uid), free_port(8900), free_port(9900)
    replaced = {
        "/practice/practice/": f"/practice/{site.paths.name}/",
        "20200": uid,
        "/var/lib/sealrun/first": str(home),
        '--readable "$PWD"': " ".join(f"--readable {path}" for path in ('"$PWD"', *linked)),
        "ADDRESS": str(status.address),
        "oidc-provider-mock ": f"oidc-provider-mock --port {provider} ",
        "sealrun serve": f"sealrun serve --port {portal}",
    }

    def own(text: str) -> str:
        for here, there in replaced.items():
            text = text.replace(here, there)
        return text

    blocks = [block for block in blocks_of(DOCUMENT) if not block.text.startswith(NOT_RUN)]
    printed: list[str] = []
    with subprocess.Popen(
        ["bash"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
    ) as process:
        shell = Shell(process)
        try:
            # The first command that fails ends the shell.
            shell.type("set -e")
            printed.extend(
                _follow(shell, block, own, home, portal=portal, provider=provider)
                for block in blocks
            )
            address = f"http://127.0.0.1:{portal}"
            with closing(Participant(address, "ada")) as ada:
                ada.log_in()
                scored = settled(ada, ada.submit("sums", "open", "code", folder / "first/add.zip"))
                (folder / "answers.txt").write_text("3\n")
                one_line = ada.submit("sums", "open", "results", folder / "answers.txt")
                refused = settled(ada, one_line)
            shell.type("kill %1 %2 %3")
            yield Followed(folder, home, printed, address, scored, refused)
        finally:
            process.kill()
            for job in re.findall(r"^\[\d\] (\d+)$", "\n".join(printed), re.MULTILINE):
                subprocess.run(["kill", "-9", job], check=False, capture_output=True)


def _follow(
    shell: Shell, block: Block, own: "object", home: Path, *, portal: int, provider: int
) -> str:
    assert callable(own)
    text = own(block.text)
    if block.language == "":
        if BECOMES in text:
            # The shell that is started reads what is typed next.
            before, _, become = text.partition(".venv/bin/python -m")
            shell.type(before)
            assert shell.process.stdin is not None
            shell.process.stdin.write(f"exec .venv/bin/python -m{become}")
            return shell.type("set -em; id -u")
        return shell.type(text)
    if not (names := FILE.findall(block.before)):
        assert block.before.startswith("and change these in `~/site.yaml`"), block
        settings = yaml.safe_load((home / "site.yaml").read_text(encoding="utf-8"))
        change = yaml.safe_load(text)
        settings["database"] = change["database"]
        settings["accounts"], settings["data"] = change["accounts"], change["data"]
        settings["clusters"]["main"] |= change["clusters"]["main"]
        # Ports of this test's own.
        settings["site"]["url"] = f"http://127.0.0.1:{portal}"
        settings["login"]["providers"][0]["issuer"] = f"http://127.0.0.1:{provider}"
        text, names = yaml.safe_dump(settings, sort_keys=False), ["~/site.yaml"]
    return shell.type(f"cat > {names[-1]} <<'--END'\n{text}--END")


def test_what_is_submitted_is_scored_as_the_document_says(followed: Followed) -> None:
    assert followed.scored.scores == {"Right": 1.0}, followed.scored
    [told] = re.findall(r"Ada\s+reads\s+\*([^*]+)\*", DOCUMENT.read_text(encoding="utf-8"))
    assert followed.refused.told == " ".join(told.split())


def test_the_challenge_has_the_address_that_is_printed(followed: Followed) -> None:
    added = [text.splitlines() for text in followed.printed if text.startswith("sums: ")]

    assert [lines[0] for lines in added] == [f"sums: {followed.portal}/challenges/sums"] * 2
    assert [lines[1].strip() for lines in added] == ["added", "unchanged"]


def test_nothing_after_the_change_of_accounts_is_roots(
    followed: Followed, site: PracticeSite
) -> None:
    made = [path for path in (followed.folder / "first").rglob("*") if path.is_file()]

    assert {path.stat().st_uid for path in made} == {site.status().account_uid}
    assert (followed.folder / "first/add.zip") in made
    assert shlex.split(DOCUMENT.read_text(encoding="utf-8").partition("chown -R ")[2])[1] == "first"
