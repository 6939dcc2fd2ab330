"""docs/how-to/install-a-site.md, block by block, on a machine that is thrown away.

What needs systemd, a proxy, a cluster of one's own or the network is not run; each such block is named
here with the reason, so that a new one is noticed.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.account import CHECKOUT
from tests.support.cluster.machine import Machine, machine
from tests.support.documents import Block, blocks_of

pytestmark = pytest.mark.cluster

DOCUMENT = CHECKOUT / "docs/how-to/install-a-site.md"
WORKER, WEB = "sealrun", "sealrun-web"

KEY = "A key for seals"
AS_ROOT = ("Two accounts", "Storage", "site.yaml", "Database")
AS_WORKER = {"/opt/sealrun/bin/sealrun db upgrade", "/opt/sealrun/bin/sealrun seal new-key"}
NOT_RUN = {
    ("Partitions and limits", ""): "slurm.conf of a cluster",
    ("A collection of Python packages", ""): "downloads packages",
    ("A way in", "mkdir"): "run by ssh_key, but for the line that asks a login node",
    ("A way in", "umask"): "asks a cluster for a token",
    ("A way in", "slurm:"): "another way in",
    ("A way in", "ssh:"): "another way in",
    ("Install", "apt-get"): "downloads packages: the environment of the tests stands in",
    ("Nodes for what teams may read", "profiles:"): "with dots in the place of settings",
    ("What is in the data", "data:"): "data that is not here",
    ("Database", "CREATE ROLE"): "PostgreSQL: tests/integration/test_audit_guards_checked.py",
    ("Login", "https"): "an address",
    ("Terms and sessions", "login:"): "optional",
    ("Check it before it opens", "Slurm"): "output",
    ("Run it", "server {"): "a proxy",
    ("Update", ""): "downloads packages",
}


def first_word(block: Block) -> str:
    return block.text.split()[0]


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return blocks_of(DOCUMENT)


def is_not_run(block: Block) -> bool:
    start = block.text.lstrip()
    return any(block.heading == heading and start.startswith(word) for heading, word in NOT_RUN)


@pytest.fixture(scope="module")
def installed(root: None, blocks: list[Block]) -> Iterator[Machine]:
    """Everything up to the check, as the document says it."""
    with machine() as one:
        environment = Path(sys.prefix)
        done = one.run(f"ln -s {environment} /opt/sealrun && mkdir -p /shared/private")
        assert done.returncode == 0, done.stderr
        done_blocks = [block for block in blocks if block.language == "" and not is_not_run(block)]
        # Files of site.yaml have to be there before it is read.
        for block in done_blocks:
            if block.heading in AS_ROOT and not block.text.startswith("/opt"):
                expect(one, block.text)
        write_settings(one, blocks)
        expect(one, ssh_key(blocks), user=WORKER)
        for block in done_blocks:
            if any(block.text.startswith(start) for start in AS_WORKER):
                expect(one, block.text, user=WORKER)
            elif block.heading == KEY:
                expect(one, block.text)
        yield one


def expect(one: Machine, script: str, *, user: str = "") -> None:
    done = one.run(script, user=user)
    assert done.returncode == 0, (script, done.stderr)


def ssh_key(blocks: list[Block]) -> str:
    """Return the block that makes the key, with the login node's answer in the place of asking it."""
    [block] = [block for block in blocks if "ssh-keyscan" in block.text]
    pinned = "echo login1.example.org $(cat ~/.ssh/sealrun.pub) > ~/.ssh/sealrun_known_hosts"
    return re.sub(r"ssh-keyscan.*", pinned, block.text)


def write_settings(one: Machine, blocks: list[Block]) -> None:
    """Write the document's site.yaml, with the key for seals of its later section, and what it names."""
    yaml = {block.heading: block.text for block in blocks if block.language == "yaml"}
    text = next(block.text for block in blocks if block.text.startswith("site:\n"))
    text += yaml[KEY]
    text = text.replace("https://challenges.example.org", "http://127.0.0.1:8765")
    # Both keys are made by later blocks.
    expect(
        one,
        f"cat > /etc/sealrun/site.yaml <<'END'\n{text}END\nprintf secret > /etc/sealrun/campus.secret",
    )
    data = re.findall(r"path: (/shared/private/\S+?),", text)
    for path in data:
        expect(one, f"install -d -m 0700 -o sealrun -g sealrun {path}")


def test_every_block_is_run_or_named_here_with_the_reason(blocks: list[Block]) -> None:
    unknown = [
        (block.heading, block.text)
        for block in blocks
        if not is_not_run(block)
        and block.heading not in AS_ROOT
        and not block.text.startswith(tuple(AS_WORKER))
        and not block.text.startswith(
            ("/opt/sealrun/bin/sealrun check-site", "[Unit]", "Description=")
        )
        and (block.heading, block.language) not in {(KEY, ""), (KEY, "yaml"), ("site.yaml", "yaml")}
    ]

    assert unknown == []


def findings(one: Machine) -> dict[str, list[dict[str, str]]]:
    done = one.run("/opt/sealrun/bin/sealrun check-site --no-jobs --format json", user=WORKER)
    assert done.stdout, done.stderr
    found: dict[str, list[dict[str, str]]] = {}
    for finding in json.loads(done.stdout)["findings"]:
        found.setdefault(finding["id"], []).append(finding)
    return found


def test_the_check_finds_nothing_wrong_but_the_cluster_that_is_not_there(
    installed: Machine,
) -> None:
    for words in ("serve --port 8765", "work"):
        user = WEB if words.startswith("serve") else WORKER
        started = installed.run(
            f"umask 0007; timeout -s TERM 6 /opt/sealrun/bin/sealrun {words} || [ $? = 124 ]",
            user=user,
        )
        assert started.returncode == 0, started.stderr

    found = findings(installed)

    wrong = {
        (one["id"], one["found"])
        for ones in found.values()
        for one in ones
        if one["level"] == "failure"
    }
    assert {id_ for id_, _ in wrong} <= {"ssh.connects", "ssh.key"}, wrong
    assert {one["level"] for one in found["accounts.trusted"]} == {"ok"}, found["accounts.trusted"]
    assert {one["level"] for one in found["accounts.writes"]} == {"ok"}
    assert {one["level"] for one in found["database.log"]} == {"ok"}


def test_the_services_of_the_document_start_as_their_accounts(
    installed: Machine, blocks: list[Block]
) -> None:
    [unit] = [block.text for block in blocks if block.text.startswith("[Unit]")]
    command = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)[0]
    user = re.findall(r"^User=(.*)$", unit, re.MULTILINE)[0]
    mask = re.findall(r"^UMask=(.*)$", unit, re.MULTILINE)[0]
    port = 8766
    script = (
        f"umask {mask}; {command.replace('8000', str(port))} & sleep 0.2\n"
        f"for n in $(seq 100); do curl -fs http://127.0.0.1:{port}/healthz && break; sleep 0.2; done\n"
        "kill $!; wait $! || true"
    )

    done = installed.run(script, user=user)

    # The cluster of the document is not there.
    told = json.loads(done.stdout)
    assert (told["database"], told["clusters"]) == ("reachable", 1), (done.stdout, done.stderr)
    written = re.findall(r"^ReadWritePaths=(.*)$", unit, re.MULTILINE)[0].split()
    assert written == ["/var/lib/sealrun-db", "/shared/sealrun/blobs"]


def test_a_database_in_the_home_is_refused_by_the_check_and_by_the_web_process(
    installed: Machine,
) -> None:
    expect(installed, "chmod 2770 /var/lib/sealrun")
    try:
        found = findings(installed)
        served = installed.run("/opt/sealrun/bin/sealrun serve --port 8767", user=WEB, timeout=60)
    finally:
        expect(installed, "chmod 700 /var/lib/sealrun")

    wrong = [one for one in found["accounts.trusted"] if one["level"] == "failure"]
    assert [(one["subject"], one["change"]) for one in wrong] == [
        ("/var/lib/sealrun", "chmod g-w,o-w /var/lib/sealrun")
    ]
    assert served.returncode == 1
    assert "must not be able to write to /var/lib/sealrun" in served.stderr
