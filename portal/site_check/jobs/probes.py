"""What the jobs of a check proved, or did not: isolation from outside and inside the container."""

import re
from collections.abc import Iterator
from datetime import timedelta

from containers.archives import ARCHITECTURES
from portal.domain.challenges.profiles import Profile
from portal.domain.site.findings import Finding
from portal.site_check.jobs import probe_scratch
from portal.site_check.jobs.node_scripts import Notes
from portal.site_check.jobs.probe_jobs import MEMORY_MIB, Observed, Seen
from portal.site_check.jobs.probe_scratch import FOLDERS
from portal.site_check.jobs.probe_sealed import FORBIDDEN, GPU, check_sealed
from portal.site_check.jobs.sent import LONGER
from portal.site_check.rules import apptainer
from portal.site_check.rules.probe_rules import (
    ARCHITECTURE,
    BUILDS,
    CLEAN,
    COUNTED,
    DATA,
    DEVICES,
    ENVIRONMENT,
    FILES,
    MEMORY,
    NODE_ACCOUNT,
    NODE_GROUP,
    PROCESSES,
    PROGRAMS,
    RULES,
    SEALS,
    SHARED,
    SPACE,
    STARTS,
    TASKS,
    TIME,
)
from portal.site_check.target import Subject
from scheduler.interface import Outcome

_SECRET = re.compile(r"(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|KEY|CREDENTIALS?)(?:_|$)|^SEALRUN_")
_MAX_OVERTIME = timedelta(seconds=90)


def check(subject: Subject, observed: Observed) -> Iterator[Finding]:
    """Judge everything that the jobs brought back."""
    yield _build(subject, observed)
    for seen in observed.profiles:
        yield from _profile(subject, observed, seen)
    unended = [f"job {job.token}" for job in observed.unended]
    left = [*unended, *([observed.left] if observed.left else [])]
    yield CLEAN.judged(not left, f"left: {', '.join(left)}" if left else "nothing is left")


def left_out(subject: Subject, option: str) -> Iterator[Finding]:
    """Say of everything that only jobs can show that it was left out, by an option."""
    settings = subject.settings
    without = {
        *([] if settings.data else [DATA]),
        *([] if settings.accounts.web and subject.cluster.files == "shared" else [NODE_GROUP]),
    }
    for rule in (*apptainer.RULES, *RULES):
        if rule not in without:
            yield rule.left_out(option)


def _build(subject: Subject, observed: Observed) -> Finding:
    name, job = subject.build_profile.name, observed.build
    if observed.built:
        return BUILDS.holds("an image was made", subject=name)
    if job.gave_up or job.unsent:
        return BUILDS.unchecked(job.description, subject=name, change=job.remedy)
    line = subject.place("profiles", name) if job.refused else ""
    found = f"{job.description}; {observed.build_log}".rstrip("; ")
    return BUILDS.broken(found, subject=name, change=line)


def _profile(subject: Subject, observed: Observed, seen: Seen) -> Iterator[Finding]:
    name = seen.profile.name
    if seen.looked is None:
        if seen.look.gave_up or seen.look.unsent:
            yield STARTS.unchecked(
                f"{seen.look.description}; nothing of this profile could be tried",
                subject=name,
                change=seen.look.remedy,
            )
        elif seen.look.outcome is Outcome.COMPLETED:
            yield SHARED.broken(
                "a job has ended well, and what it wrote does not appear here",
                subject=name,
                change=subject.place("clusters", subject.cluster_name, "storage"),
            )
        else:
            line = subject.place("profiles", name)
            found = f"{seen.look.description}; {seen.words}".rstrip("; ")
            yield STARTS.broken(found, subject=name, change=line)
        return
    yield STARTS.holds(f"on {' '.join(seen.looked.get('node', ()))}", subject=name)
    yield from _node(subject, observed.canary, seen, seen.looked)
    yield _architecture(subject, seen.profile, seen.looked)
    yield from probe_scratch.check(subject, seen.profile, seen.looked)
    yield from apptainer.check(subject, name, seen.looked)
    yield from _left(seen, seen.looked, observed.cut)
    yield _memory(seen)
    yield _tasks(subject, seen.profile, seen.looked)
    yield _time(seen)
    if seen.sealed is None:
        why = observed.cut or "no image could be made to run, see probe.builds"
        yield SEALS.unchecked(why, subject=name, change=LONGER if observed.cut else "")
    else:
        yield from check_sealed(subject, seen, observed.canary)
        yield _counted(seen)
        yield _space(seen)


def _node(subject: Subject, canary: str, seen: Seen, notes: Notes) -> Iterator[Finding]:
    name = seen.profile.name
    same = notes.get("canary") == (canary,)
    yield SHARED.judged(
        same,
        "portal and job read what the other has written"
        if same
        else "the job does not read what the portal has written",
        subject=name,
        change=subject.place("clusters", subject.cluster_name, "storage"),
    )
    owner, user = subject.cluster.storage.stat().st_uid, " ".join(notes.get("uid", ()))
    yield NODE_ACCOUNT.judged(
        user == str(owner), f"jobs run as user id {user}, the storage belongs to {owner}", subject=name
    )  # fmt: skip
    if subject.settings.accounts.web and subject.cluster.files == "shared":
        yield _group(subject, notes, name)
    missing = notes.get("missing", ())
    found = f"missing: {', '.join(missing)}" if missing else "all are there"
    yield PROGRAMS.judged(not missing, found, subject=name)
    for line in notes.get("data", ()):
        yield _data(line, name)
    secret = sorted(one for one in notes.get("variable", ()) if _SECRET.search(one))
    yield ENVIRONMENT.judged(
        not secret,
        f"a job has the variables {', '.join(secret)}" if secret else "no variable looks like a secret",
        subject=name,
    )  # fmt: skip
    yield _devices_without(name, notes)


def _architecture(subject: Subject, profile: Profile, notes: Notes) -> Finding:
    machine = " ".join(notes.get("machine", ()))
    found = ARCHITECTURES.get(machine, machine)
    return ARCHITECTURE.judged(
        found == profile.architecture,
        f"on {' '.join(notes.get('node', ()))}: {found}; the profile says {profile.architecture}",
        subject=profile.name,
        change=f"{subject.place('profiles', profile.name, 'architecture')}: {found}",
    )


def _group(subject: Subject, notes: Notes, profile: str) -> Finding:
    """Judge whether a job reads an upload: a real one where there is one, else by the numbers of the groups."""
    blobs = subject.cluster.storage / "blobs"
    place = blobs if blobs.exists() else subject.cluster.storage
    wanted, has = str(place.stat().st_gid), " ".join(notes.get("groups", ())).split()
    change = f"on the nodes: groupmod --gid {wanted} for the account's group"
    if noted := notes.get("upload", ()):
        found = "a job reads an upload" if noted == ("ok",) else f"an upload: {noted[0]}"
        return NODE_GROUP.judged(noted == ("ok",), found, subject=profile, change=change)
    found = f"uploads belong to group id {wanted}, jobs have {', '.join(has)}"
    return NODE_GROUP.judged(wanted in has, found, subject=profile, change=change)


def _data(line: str, profile: str) -> Finding:
    mode, _, place = line.partition(" ")
    subject = f"{profile}, {place}"
    if mode in {"missing", "closed"}:
        how = "is not there" if mode == "missing" else "cannot be read"
        return DATA.broken(f"{place} {how} on the node", subject=subject)
    return DATA.judged(
        int(mode, 8) & 0o007 == 0,
        f"{place} has mode {mode}",
        subject=subject,
        change=f"chmod o= {place}",
    )


def _devices_without(profile: str, notes: Notes) -> Finding:
    devices = dict(line.split(" ", 1) for line in notes.get("device", ()))
    found = {name: noted for name, noted in devices.items() if GPU.fullmatch(name)}
    if not found:
        return DEVICES.holds("the node has no GPU", subject=profile)
    usable = sorted(name for name, noted in found.items() if noted not in FORBIDDEN)
    what = f"a job without GPUs can open {', '.join(usable) if usable else 'none'} of {len(found)}"
    return DEVICES.judged(not usable, what, subject=profile)


def _left(seen: Seen, looked: Notes, cut: str) -> Iterator[Finding]:
    name, places_before = seen.profile.name, looked.get("left", ())
    if seen.found is None:
        why = seen.find.description if seen.find else cut or "no second job was sent"
        change = seen.find.remedy if seen.find else LONGER
        yield FILES.unchecked(why, subject=name, change=change)
        yield PROCESSES.unchecked(why, subject=name, change=change)
        return
    if seen.is_found_elsewhere:
        first, second = looked.get("node", ()), seen.found.get("node", ())
        why = f"the second job ran on {' '.join(second)}, not on {' '.join(first)}"
        change = "run the check again: both jobs have to come to one node"
        yield FILES.unchecked(why, subject=name, change=change)
        yield PROCESSES.unchecked(why, subject=name, change=change)
        return
    places = seen.found.get("file", ())
    if places_before:
        yield _files(name, places_before, places)
    else:
        yield FILES.unchecked("a job could leave nothing anywhere", subject=name)
    processes = seen.found.get("process", ())
    yield PROCESSES.judged(
        not processes,
        "a process of the job before still ran" if processes else "all have ended",
        subject=name,
    )


def _files(name: str, before: tuple[str, ...], places: tuple[str, ...]) -> Finding:
    return FILES.judged(
        not places,
        f"a file of the job before was in {', '.join(places)}"
        if places
        else f"nothing of the job before was in {', '.join(before)}",
        subject=name,
        change=_line_for(places),
    )


def _line_for(places: tuple[str, ...]) -> str:
    """Return the line that is missing: all folders shared is another fault than one."""
    if set(FOLDERS) <= set(places):
        return "slurm.conf: JobContainerType=job_container/tmpfs; job_container.conf: " + _DIRS
    return f"job_container.conf: {_DIRS}"


_DIRS = f"Dirs={','.join(FOLDERS)}"


def _memory(seen: Seen) -> Finding:
    name, job = seen.profile.name, seen.memory
    if job.outcome is Outcome.MEMORY_LIMIT:
        return MEMORY.holds("a job that took more was ended, out of memory", subject=name)
    if job.outcome is Outcome.COMPLETED:
        limit = min(MEMORY_MIB, seen.profile.memory_mib)
        found = f"a job with {limit} MiB has used {3 * limit} MiB"
        return MEMORY.broken(found, subject=name)
    return MEMORY.unchecked(job.description, subject=name, change=job.remedy)


def _tasks(subject: Subject, profile: Profile, notes: Notes) -> Finding:
    """Compare what one account may have on the node with what all of its runs there may take."""
    cpus = _number(notes, "cpus")
    limits = {name: _number(notes, name) for name in _TASK_LIMITS}
    lowest = min(
        (name for name in limits if limits[name]), key=lambda name: limits[name], default=""
    )
    if not cpus or not lowest:
        return TASKS.unchecked("the node does not say how many there may be", subject=profile.name)
    runs = max(1, min(cpus // profile.cpus, profile.running or cpus))
    wanted = runs * subject.settings.limits.processes
    return TASKS.judged(
        limits[lowest] > wanted,
        f"{_TASK_LIMITS[lowest]} is {limits[lowest]}; {runs} runs may have {wanted}",
        subject=profile.name,
    )


_TASK_LIMITS = {
    "nproc": "the account's hard limit (nproc)",
    "threads_max": "kernel.threads-max",
    "pid_max": "kernel.pid_max",
}


def _number(notes: Notes, name: str) -> int:
    """Return the number that a script noted; 0 for none and for no limit."""
    word = " ".join(notes.get(name, ()))
    return int(word) if word.isdecimal() else 0


def _counted(seen: Seen) -> Finding:
    noted = seen.run.versions.get("processes", "") if seen.run else ""
    if not noted:
        return COUNTED.unchecked("no run has said it", subject=seen.profile.name)
    return COUNTED.judged(
        noted == "apart",
        "each run has a count of its own"
        if noted == "apart"
        else "all jobs of the account share one",
        subject=seen.profile.name,
    )


def _space(seen: Seen) -> Finding:
    noted = seen.run.versions.get("space", "") if seen.run else ""
    if not noted:
        return SPACE.unchecked("no run has said it", subject=seen.profile.name)
    return SPACE.judged(
        noted == "fixed",
        "of fixed size" if noted == "fixed" else "it is looked at every five seconds",
        subject=seen.profile.name,
    )


def _time(seen: Seen) -> Finding:
    name, job = seen.profile.name, seen.ignores_sigterm
    if job is None:
        return TIME.left_out("--quick", subject=name)
    report = job.report
    if job.outcome is not Outcome.TIME_LIMIT or report is None:
        if job.gave_up and report is not None and report.started_at is not None:
            return TIME.broken(f"a job with one minute: {job.description}", subject=name)
        return TIME.unchecked(job.description, subject=name, change=job.remedy)
    if report.started_at is None or report.ended_at is None:
        return TIME.holds("a job that ignores SIGTERM was ended", subject=name)
    took = report.ended_at - report.started_at
    return TIME.judged(
        took <= timedelta(minutes=1) + _MAX_OVERTIME,
        f"a job with one minute that ignores SIGTERM was ended after {took.total_seconds():.0f} s",
        subject=name,
    )
