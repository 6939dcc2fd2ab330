"""Apptainer on the nodes, as a job sees it: its release, the namespaces it needs, what its settings allow."""

import re
from collections.abc import Iterator

from portal.domain.site.findings import Finding, Level, Rule
from portal.site_check.jobs.node_scripts import Notes
from portal.site_check.target import Subject

INSTALLED = Rule(
    id="apptainer.version",
    title="Apptainer is there and not older than the site's minimum",
    level=Level.FAILURE,
    meaning="No container is started: every job ends with node_unfit.",
    change="a newer Apptainer on the nodes, or site.yaml: clusters.NAME.apptainer.minimum",
)
USERS = Rule(
    id="apptainer.user_namespaces",
    title="Ordinary users can make user namespaces on the nodes",
    level=Level.FAILURE,
    meaning="Apptainer without set-user-id cannot start a container.",
    change="sysctl.conf of the nodes: user.max_user_namespaces=15000, "
    "kernel.apparmor_restrict_unprivileged_userns=0",
)
NETWORKS = Rule(
    id="apptainer.network_namespaces",
    title="Ordinary users can make network namespaces on the nodes",
    level=Level.FAILURE,
    meaning="A container cannot be kept away from the network; jobs end with isolation_unavailable.",
    change="sysctl.conf of the nodes: user.max_net_namespaces=15000",
)
SETUID = Rule(
    id="apptainer.setuid",
    title="Apptainer is installed without set-user-id",
    level=Level.WARNING,
    meaning="A fault in Apptainer gives root of the node to code that nobody has read.",
    change="apptainer.conf: allow setuid = no, or remove the package apptainer-suid",
)
BINDS = Rule(
    id="apptainer.binds",
    title="The command line may name what is mounted",
    level=Level.FAILURE,
    meaning="Input and output are not mounted, and no job can run.",
    change="apptainer.conf: user bind control = yes",
)
IMAGES = Rule(
    id="apptainer.images",
    title="Images in SIF files may be run",
    level=Level.FAILURE,
    meaning="No job can run.",
    change="apptainer.conf: allow container sif = yes",
)
RULES = (INSTALLED, USERS, NETWORKS, SETUID, BINDS, IMAGES)


def check(subject: Subject, profile: str, notes: Notes) -> Iterator[Finding]:
    """Judge what a job noted on a node of the profile."""
    node = " ".join(notes.get("node", ()))
    for rule, key in ((USERS, "user_namespace"), (NETWORKS, "network_namespace")):
        noted = " ".join(notes.get(key, ("nothing noted",)))
        yield rule.judged(noted == "ok", f"on {node}: {noted}", subject=profile)
    versions = notes.get("apptainer", ())
    if not versions:
        noted = " ".join(notes.get("apptainer_missing", ()))
        yield INSTALLED.broken(f"on {node}: {noted}", subject=profile)
        return
    minimum = subject.cluster.apptainer.minimum
    key = subject.place("clusters", subject.cluster_name, "apptainer.minimum")
    yield INSTALLED.judged(
        _numbers(versions[0]) >= _numbers(minimum),
        f"on {node}: {versions[0]}; at least {minimum} is asked for",
        subject=profile,
        change=f"Apptainer {minimum} on the nodes, or {key}",
    )
    yield from _settings(profile, node, notes)


def _settings(profile: str, node: str, notes: Notes) -> Iterator[Finding]:
    pairs = (line.partition("=") for line in notes.get("setting", ()))
    settings = {key.strip(): value.strip() for key, _, value in pairs}
    file = " ".join(notes.get("configuration", ()))
    if not settings:
        yield BINDS.unchecked(
            f"on {node}: {file or 'apptainer.conf'} cannot be read by the jobs' account",
            subject=profile,
            change=f"chmod a+r {file or 'apptainer.conf'} on the nodes",
        )
        return
    setuid = "starter" in notes and settings.get("allow setuid", "yes") == "yes"
    found = "with" if setuid else "without"
    yield SETUID.judged(not setuid, f"on {node}: {found} set-user-id", subject=profile)
    for rule, key in ((BINDS, "user bind control"), (IMAGES, "allow container sif")):
        value = settings.get(key, "yes")
        yield rule.judged(
            value == "yes",
            f"on {node}: {key} = {value}",
            subject=profile,
            change=f"{file}: {key} = yes",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0])[:3])
