"""The way to the login node: key, pinned host key, and whether it leads there."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from portal.domain.site.findings import Finding, Level, Rule
from portal.site_check.target import Subject
from scheduler.errors import HostKeyRefusedError, SchedulerError, TransportTimeoutError
from scheduler.transport import Transport
from site_config.site import Jump, Ssh

_TIMEOUT = timedelta(seconds=30)
_SLOW = 1.0
_MAX_CHARS = 200

KEY = Rule(
    id="ssh.key",
    title="The key is there and the portal's alone",
    level=Level.FAILURE,
    meaning="Whoever can read the key can submit jobs as the portal's account.",
    change="chmod 600 KEY",
)
KNOWN_HOSTS = Rule(
    id="ssh.known_hosts",
    title="The login node's host key is pinned",
    level=Level.FAILURE,
    meaning="The portal connects to no host whose key it does not know: no job can be sent.",
    change="known_hosts: the line of ssh-keyscan, compared at the node's console",
)
CONNECTS = Rule(
    id="ssh.connects",
    title="The portal can log in and run a command",
    level=Level.FAILURE,
    meaning="No job can be sent, watched or cancelled.",
    change="site.yaml: clusters.NAME.connect.ssh",
)
QUICK = Rule(
    id="ssh.quick",
    title="A command takes less than a second",
    level=Level.WARNING,
    meaning="The worker asks several times a minute, and every answer is as late as this.",
    change="the login node's sshd_config: UseDNS no; its load; the network",
)
QUIET = Rule(
    id="ssh.quiet",
    title="The login node says nothing before the answer of a command",
    level=Level.WARNING,
    meaning="Commands are read from where they begin, so that this does no harm; files that go through SFTP can break on it.",
    change="~/.bashrc on the login node, first line: [[ $- == *i* ]] || return",
)
RULES = (KEY, KNOWN_HOSTS, CONNECTS, QUICK, QUIET)


def check(subject: Subject, transport: Transport) -> Iterator[Finding]:
    """Look at the files and make a connection. Nothing is yielded where there is no SSH."""
    ssh = subject.cluster.connect.ssh
    if ssh is None or subject.cluster.slurm.rest is not None:
        return
    hops: list[Ssh | Jump] = [*([ssh.jump] if ssh.jump else []), ssh]
    for hop in hops:
        yield _key(hop)
        yield _known(hop)
    yield from _connection(subject, transport)


def _key(hop: Ssh | Jump) -> Finding:
    file = hop.key_file
    try:
        status = file.stat()
        readable = os.access(file, os.R_OK)
    except OSError as error:
        return KEY.broken(f"{file}: {error.strerror}", subject=hop.host, change=f"make {file}")
    mode = status.st_mode & 0o777
    if not readable:
        found = f"{file} (mode {mode:04o}, user id {status.st_uid}) cannot be read"
        return KEY.broken(found, subject=hop.host, change=f"chown {os.geteuid()} {file}")
    return KEY.judged(
        not mode & 0o077,
        f"{file} has mode {mode:04o}",
        subject=hop.host,
        change=f"chmod 600 {file}",
    )


def _known(hop: Ssh | Jump) -> Finding:
    file = hop.known_hosts
    name = hop.host if hop.port == 22 else f"[{hop.host}]:{hop.port}"  # noqa: PLR2004 - SSH's port
    change = f"{file}: {name} KEY, from ssh-keyscan -p {hop.port} {hop.host}"
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        return KNOWN_HOSTS.broken(f"{file}: {error.strerror}", subject=hop.host, change=change)
    # A hashed name cannot be compared here; connecting will tell.
    known = [line for line in lines if name in line.split(" ")[0].split(",") or line[:1] == "|"]
    found = f"{file} {'names' if known else 'does not name'} {name}"
    return KNOWN_HOSTS.judged(bool(known), found, subject=hop.host, change=change)


def _connection(subject: Subject, transport: Transport) -> Iterator[Finding]:
    timeout = subject.deadline.at_most(_TIMEOUT)
    try:
        answer = transport.run(["true"], timeout=timeout)
        begun = time.monotonic()
        transport.run(["true"], timeout=timeout)
    except HostKeyRefusedError as error:
        ssh = subject.cluster.connect.ssh
        file = ssh.known_hosts if ssh else Path("known_hosts")
        yield CONNECTS.broken(str(error), change=f"{file}: the host's key, compared at its console")
        return
    except TransportTimeoutError as late:
        found = f"no answer in {timeout.total_seconds():.0f} s: {late}"
        yield CONNECTS.unchecked(found, change="the login node, or the network to it")
        return
    except SchedulerError as error:
        key = subject.place("clusters", subject.cluster_name, "connect.ssh")
        yield CONNECTS.broken(str(error), change=key)
        return
    seconds = time.monotonic() - begun
    yield CONNECTS.holds("logged in")
    yield QUICK.judged(seconds < _SLOW, f"a command takes {seconds * 1000:.0f} ms")
    said = answer.noise.decode(errors="replace").strip()
    yield QUIET.judged(not said, f"it says {said[:_MAX_CHARS]!a}" if said else "it says nothing")
