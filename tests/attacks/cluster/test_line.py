"""Somebody between the portal and its login node: a server that takes every key and shows its own."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import paramiko
import pytest

from scheduler.errors import HostKeyRefusedError
from scheduler.ssh.transport import SshTransport
from site_config.practice.site import PracticeSite
from tests.support.cluster.inside import Inside

pytestmark = [pytest.mark.cluster, pytest.mark.root]

PORT = 2223
FOLDER = "/run/imposter"
IMPOSTER = f"""\
Port {PORT}
ListenAddress %s
HostKey {FOLDER}/key
PidFile {FOLDER}/pid
AuthenticationMethods publickey
AuthorizedKeysFile /etc/ssh/authorized_keys/%%u
UsePAM no
PerSourcePenalties no
"""
SOON = timedelta(seconds=20)


@pytest.fixture
def imposter(practice: PracticeSite, inside: Inside) -> Iterator[str]:
    """Return the address at which somebody answers with another key."""
    address = practice.status().address
    settings = IMPOSTER % address
    script = (
        f"mkdir -p {FOLDER}; ssh-keygen -q -t ed25519 -N '' -f {FOLDER}/key </dev/null;"
        f" printf '%s' '{settings}' >{FOLDER}/conf; /usr/sbin/sshd -f {FOLDER}/conf -E {FOLDER}/log"
    )
    started = inside.run("sh", "-ec", script, user="root")
    assert started.returncode == 0, started.stderr
    yield address
    inside.run("sh", "-c", f"kill $(cat {FOLDER}/pid); rm -r {FOLDER}", user="root")


@pytest.mark.attack(46)
def test_another_host_key_is_refused_before_anything_is_said(
    practice: PracticeSite, inside: Inside, imposter: str, tmp_path: Path
) -> None:
    key_file = practice.paths.ssh / "id_ed25519"
    pinned = (practice.paths.ssh / "known_hosts").read_text(encoding="ascii").split()[1:3]
    hosts = tmp_path / "known_hosts"
    hosts.write_text(f"[{imposter}]:{PORT} {' '.join(pinned)}\n", encoding="ascii")
    trusting = paramiko.SSHClient()
    trusting.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # noqa: S507 - the victim
    trusting.connect(imposter, port=PORT, username="challenge", key_filename=str(key_file))
    _, said, _ = trusting.exec_command("id -un")
    fooled = said.read()
    trusting.close()
    careful = SshTransport(
        host=imposter, port=PORT, user="challenge", key_file=key_file, known_hosts=hosts
    )

    with pytest.raises(HostKeyRefusedError) as refusal:
        careful.run(["true"], timeout=SOON)
    careful.close()

    assert fooled == b"challenge\n"
    assert "shows another host key than the pinned one" in str(refusal.value)
    log = inside.run("cat", f"{FOLDER}/log", user="root").stdout
    # Only the trusting one came as far as showing its key.
    assert log.count("Accepted publickey") == 1
