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

SETTINGS = "site:\n"
NOT_RUN = {
    ("2. Open Slurm to it", "sacctmgr"): "accounting of a cluster",
    ("2. Open Slurm to it", "PartitionName"): "slurm.conf of a cluster",
    (
        "4. Install the software",
        "apt-get",
    ): "downloads packages: the environment of the tests stands in",
    ("9. Run two services", "[Unit]"): "read by a test below",
    ("9. Run two services", "Description"): "as the other one",
    ("9. Run two services", "systemctl"): "systemd",
    ("10. Put a proxy before it", "server {"): "a proxy",
    ("11. Check it", "/opt/sealrun"): "run by the tests, without jobs",
}


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return blocks_of(DOCUMENT)


def is_not_run(block: Block) -> bool:
    return any(
        block.heading == heading and block.text.startswith(word) for heading, word in NOT_RUN
    )


@pytest.fixture(scope="module")
def installed(root: None, blocks: list[Block]) -> Iterator[Machine]:
    """Everything up to the check, in the order and by the accounts that the document says."""
    with machine() as one:
        expect(one, f"ln -s {Path(sys.prefix)} /opt/sealrun")
        for block in blocks:
            if block.text.startswith(SETTINGS):
                write_settings(one, block.text)
            elif not is_not_run(block):
                user = "" if block.account == "root" else block.account
                expect(one, with_pinned_key(block.text), user=user)
        yield one


def expect(one: Machine, script: str, *, user: str = "") -> None:
    done = one.run(script, user=user)
    assert done.returncode == 0, (script, done.stderr)


def with_pinned_key(script: str) -> str:
    """Return a block with the login node's answer in the place of asking it."""
    pinned = "echo login1.example.org $(cat ~/.ssh/sealrun.pub) > ~/.ssh/sealrun_known_hosts"
    return re.sub(r"ssh-keyscan.*", pinned, script)


def write_settings(one: Machine, text: str) -> None:
    """Write the document's site.yaml, and the secret that the provider would have given."""
    text = text.replace("https://challenges.example.org", "http://127.0.0.1:8765")
    expect(
        one,
        f"cat > /etc/sealrun/site.yaml <<'END'\n{text}END\nprintf secret > /etc/sealrun/campus.secret",
    )


def test_every_block_is_run_or_named_here_with_the_reason(blocks: list[Block]) -> None:
    unknown = [
        (block.heading, block.text)
        for block in blocks
        if not is_not_run(block)
        and not block.text.startswith(SETTINGS)
        and (block.language or block.account not in {"root", WORKER})
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
