"""Row 74: the web process's account tries to become the worker by replacing what the worker trusts.

On a machine that is set up as docs/how-to/install-a-site.md says, and thrown away afterwards.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.account import CHECKOUT
from tests.support.cluster.machine import Machine, machine
from tests.support.documents import blocks_of

pytestmark = pytest.mark.attack(74)

DOCUMENT = CHECKOUT / "docs/how-to/install-a-site.md"
STEPS = ("1. Make two accounts", "3. Make the directories")
HOME = "/var/lib/sealrun"
SETTINGS = f"""\
site: {{name: Test, url: "http://127.0.0.1:8768", support: help}}
database: {{url: "sqlite:////var/lib/sealrun-db/sealrun.db"}}
accounts: {{web: sealrun-web}}
clusters: {{main: {{connect: local, storage: /shared/sealrun}}}}
profiles: {{build: {{cluster: main, partition: p, cpus: 1, memory: 1G, time: 1m}}}}
seal: {{key_file: {HOME}/seal-key}}
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Machine]:
    with machine() as one:
        _do(one, f"ln -s {Path(sys.prefix)} /opt/sealrun")
        made = [block for block in blocks_of(DOCUMENT) if block.heading in STEPS]
        assert [block.account for block in made] == ["root", "root"]
        for block in made:
            _do(one, block.text)
        _do(one, f"cat > /etc/sealrun/site.yaml <<'END'\n{SETTINGS}END")
        _do(one, f"mkdir -m 700 {HOME}/.ssh; echo mine > {HOME}/.ssh/authorized_keys", "sealrun")
        _do(one, f"echo mine > {HOME}/seal-key; echo mine > {HOME}/.profile", "sealrun")
        yield one


def _do(one: Machine, script: str, user: str = "") -> None:
    done = one.run(script, user=user)
    assert done.returncode == 0, (script, done.stderr)


ATTEMPTS = {
    "keys": f"mv {HOME}/.ssh {HOME}/old; mkdir {HOME}/.ssh && echo eve > {HOME}/.ssh/authorized_keys",
    "profile": f"echo eve > {HOME}/new && mv -f {HOME}/new {HOME}/.profile",
    "seal key": f"rm -f {HOME}/seal-key && echo eve > {HOME}/seal-key",
    "password file": f"echo eve > {HOME}/.pgpass",
    "home": f"mv {HOME} {HOME}-old && mkdir {HOME}",
    "settings": "echo eve > /etc/sealrun/new && mv -f /etc/sealrun/new /etc/sealrun/site.yaml",
    "orders": "mv /shared/sealrun /shared/old && mkdir /shared/sealrun",
    "heads": "mkdir /shared/sealrun/audit",
    "timers": "mkdir -p /var/spool/cron/crontabs && echo eve > /var/spool/cron/crontabs/sealrun",
    "code": f"echo eve > {CHECKOUT}/portal/eve.py",
    "through the database's directory": (
        f"ln -s {HOME} /var/lib/sealrun-db/home && echo eve > /var/lib/sealrun-db/home/.profile"
    ),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_web_process_replaces_nothing_that_the_worker_trusts(
    site: Machine, attempt: str
) -> None:
    done = site.run(ATTEMPTS[attempt], user="sealrun-web")
    kept = site.run(
        f"cat {HOME}/.profile {HOME}/seal-key {HOME}/.ssh/authorized_keys; ls -A {HOME}"
    )

    assert done.returncode != 0
    assert kept.stdout.split()[:3] == ["mine"] * 3
    assert ".pgpass" not in kept.stdout


def test_the_same_works_where_the_group_may_write_into_the_home(site: Machine) -> None:
    """What the attempts are worth: as the document had it before, they succeed, and the check says so."""
    _do(site, f"chmod 2770 {HOME}")
    try:
        done = site.run(ATTEMPTS["password file"], user="sealrun-web")
        replaced = site.run(ATTEMPTS["profile"], user="sealrun-web")
        checked = site.run(
            "/opt/sealrun/bin/sealrun check-site --no-jobs --format json || true", user="sealrun"
        )
    finally:
        _do(site, f"rm -f {HOME}/.pgpass; echo mine > {HOME}/.profile; chmod 700 {HOME}")

    assert (done.returncode, replaced.returncode) == (0, 0)
    assert f"chmod g-w,o-w {HOME}" in checked.stdout
