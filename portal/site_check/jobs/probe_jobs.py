"""Send the jobs of a check, in every profile, and bring back what they saw."""

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path, PurePosixPath
from secrets import token_hex

from containers.interface import Bind, Build, BuildKind, Node, SealedRun
from containers.probe import write_probe_archive
from containers.rundir import RunRecord
from containers.scripts import build_script, run_script
from portal.domain.challenges.profiles import Profile
from portal.site_check.jobs.lifecycle import Jobs
from portal.site_check.jobs.node_scripts import (
    Notes,
    find_script,
    ignores_sigterm_script,
    inside_text,
    look_script,
    memory_script,
    read_notes,
)
from portal.site_check.jobs.probe_files import LATE_SECONDS, last_words, notes, run_record
from portal.site_check.jobs.sent import Sent
from portal.site_check.jobs.workplaces import workplace
from portal.site_check.target import Subject
from scheduler.files import FetchLimits, Files
from scheduler.interface import JobSpec, Scheduler, Token

MEMORY_MIB = 128
"""What the job asks for that takes three times as much."""
SHORTEST = timedelta(minutes=1)
"""The shortest time limit that Slurm has."""

_OVERTIME = timedelta(minutes=4)
_MAX_KEEP_SECONDS = 3600
_FINDS = 3
"""How often a job is sent to find what another left, until it comes to the same node."""
_FETCHED = FetchLimits(
    bytes=16 * 1024**2, entries=1000, leave=frozenset({"image.sif"}), last="done"
)


@dataclass(slots=True, kw_only=True)
class Seen:
    """What the jobs of one profile saw, and what became of them."""

    profile: Profile
    look: Sent
    memory: Sent
    ignores_sigterm: Sent | None = None
    find: Sent | None = None
    sealed: Sent | None = None
    looked: Notes | None = None
    found: Notes | None = None
    run: RunRecord | None = None
    inside: Notes | None = None
    words: str = ""
    """The last that the script of the first job, or Slurm, said of it, where it noted nothing."""
    log: str = ""
    """The end of what Apptainer or the script said of the sealed run."""

    @property
    def is_found_elsewhere(self) -> bool:
        """Whether the job that looked for what was left ran on another node than the one that left it."""
        looked, found = self.looked or {}, self.found
        return found is not None and found.get("node") != looked.get("node")


@dataclass(slots=True, kw_only=True)
class Observed:
    """What a round of jobs brought back."""

    canary: str
    """The word that the portal wrote for the jobs to read."""
    build: Sent
    build_log: str = ""
    built: bool = False
    profiles: list[Seen] = field(default_factory=list)
    cut: str = ""
    """Why no further jobs were sent, where the time of the whole check was over."""
    unended: list[Sent] = field(default_factory=list)
    """Jobs that could not be ended."""
    left: str = ""
    """What could not be removed from the storage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """Where a check works, and with what."""

    subject: Subject
    jobs: Jobs
    directory: Path
    files: Files
    """How they get to the nodes and back."""
    node: Node
    job_timeout: timedelta

    @property
    def late(self) -> float:
        """How many seconds files may come late: none of them once the whole check has to be over."""
        return min(LATE_SECONDS, self.subject.deadline.seconds)

    def spec(self, profile: Profile, name: str, script: str, **changes: object) -> JobSpec:
        """Return a small job of a profile, with a directory of its own."""
        place = PurePosixPath(self.directory / name)
        asked: dict[str, object] = {
            "script": script,
            "workdir": place,
            "stdout": place / "slurm.out",
            "stderr": place / "slurm.err",
            "partition": profile.partition,
            "cpus": 1,
            "memory_mib": min(profile.memory_mib, 1024),
            "time_limit": min(profile.time_limit, 3 * SHORTEST),
            "account": profile.account,
            "qos": profile.qos,
            "comment": "sealrun check",
        }
        return JobSpec(**(asked | changes))  # type: ignore[arg-type]

    def send(self, profile: Profile, name: str, script: str, **changes: object) -> Sent:
        """Make the job's directory and hand the job over."""
        (self.directory / name).mkdir(exist_ok=True)
        return self.hand_over(self.spec(profile, name, script, **changes), self.jobs.new_token())

    def hand_over(self, spec: JobSpec, token: Token) -> Sent:
        """Let the nodes have the job's directory, and hand the job over."""
        self.files.put(Path(spec.workdir))
        return self.jobs.send(spec, token)

    def fetch(self, name: str) -> Callable[[], None]:
        """Return what brings back what a job left in its directory so far."""
        return lambda: self.files.get(self.directory / name, _FETCHED)


def observe(
    subject: Subject,
    scheduler: Scheduler,
    files: Files,
    *,
    with_time_limit: bool,
    job_timeout: timedelta,
    say: Callable[[str], None],
) -> Observed:
    """Run all jobs and return what they saw. Nothing is left behind, whatever interrupts this.

    Raises ``OSError`` where the storage cannot be used.
    """
    jobs = Jobs(scheduler, subject.clock, deadline=subject.deadline, say=say)
    with workplace(subject.cluster.storage / "checks", jobs, files, say) as (directory, ended):
        bench = _Bench(
            subject=subject,
            jobs=jobs,
            directory=directory,
            files=files,
            node=Node(minimum=subject.cluster.apptainer.minimum),
            job_timeout=job_timeout,
        )
        observed = _observe(bench, with_time_limit=with_time_limit, say=say)
    observed.unended, observed.left = ended.jobs, ended.left
    return observed


def _observe(bench: _Bench, *, with_time_limit: bool, say: Callable[[str], None]) -> Observed:
    canary = token_hex(16)
    (bench.directory / "input").mkdir()
    (bench.directory / "input" / "canary").write_text(f"{canary}\n", encoding="ascii")
    (bench.directory / "input" / "inside.sh").write_text(inside_text(), encoding="ascii")
    bench.files.put(bench.directory / "input")
    observed = Observed(canary=canary, build=_send_build(bench))
    for profile in bench.subject.profiles:
        seen = Seen(
            profile=profile, look=_send_look(bench, profile), memory=_send_memory(bench, profile)
        )
        if with_time_limit:
            seen.ignores_sigterm = bench.send(
                profile, f"{profile.name}-ignores-sigterm", ignores_sigterm_script(), time_limit=SHORTEST,
                memory_mib=min(profile.memory_mib, MEMORY_MIB),
            )  # fmt: skip
        observed.profiles.append(seen)
    bench.jobs.wait([observed.build, *(seen.look for seen in observed.profiles)], bench.job_timeout)
    _take_build(bench, observed)
    _second_round(bench, observed)
    if with_time_limit:
        if not bench.subject.deadline.is_over:
            say("waiting for the time limit of a job that does not end by itself: two minutes")
        ignores_sigterm = [
            seen.ignores_sigterm for seen in observed.profiles if seen.ignores_sigterm
        ]
        bench.jobs.wait(ignores_sigterm, bench.job_timeout + _OVERTIME)
    return observed


def _second_round(bench: _Bench, observed: Observed) -> None:
    for seen in observed.profiles:
        name = seen.profile.name
        place = bench.directory / f"{name}-look" / "notes"
        seen.looked = notes(place, seen.look, bench.fetch(f"{name}-look"), bench.late)
        if seen.looked is None:
            seen.words = last_words(bench.directory / f"{name}-look", None)
        if bench.subject.deadline.is_over:
            observed.cut = bench.subject.deadline.description
            continue
        if observed.built:
            seen.sealed = _send_sealed(bench, seen.profile)
        if seen.looked is not None:
            _send_find(bench, seen, f"{name}-find")
    others = [
        job for seen in observed.profiles for job in (seen.sealed, seen.find, seen.memory) if job
    ]
    bench.jobs.wait(others, bench.job_timeout)
    for seen in observed.profiles:
        _take_find(bench, seen, f"{seen.profile.name}-find")
        if seen.sealed is not None:
            _take_sealed(bench, seen, seen.sealed)
    for number in range(2, _FINDS + 1):
        _find_again(bench, observed.profiles, number)


def _send_find(bench: _Bench, seen: Seen, name: str) -> None:
    script = find_script(bench.directory / name, mark=_mark(bench, seen.profile))
    seen.find = bench.send(seen.profile, name, script)


def _take_find(bench: _Bench, seen: Seen, name: str) -> None:
    if seen.find is not None:
        place = bench.directory / name / "notes"
        seen.found = notes(place, seen.find, bench.fetch(name), bench.late)


def _find_again(bench: _Bench, profiles: Iterable[Seen], number: int) -> None:
    """Send another job to find what was left, where the one before ran on another node."""
    again = [seen for seen in profiles if seen.is_found_elsewhere]
    if bench.subject.deadline.is_over:
        return
    for seen in again:
        _send_find(bench, seen, f"{seen.profile.name}-find-{number}")
    bench.jobs.wait([seen.find for seen in again if seen.find], bench.job_timeout)
    for seen in again:
        _take_find(bench, seen, f"{seen.profile.name}-find-{number}")


def _mark(bench: _Bench, profile: Profile) -> str:
    return f"sealrun-check-{bench.directory.name}-{profile.name}"


def _send_look(bench: _Bench, profile: Profile) -> Sent:
    name = f"{profile.name}-look"
    script = look_script(
        bench.directory / name,
        mark=_mark(bench, profile),
        canary=bench.directory / "input" / "canary",
        upload=_upload_of_the_web(bench.subject)
        if bench.subject.cluster.files == "shared"
        else None,
        data=[PurePosixPath(data.path) for data in bench.subject.settings.data.values()],
        node=bench.node,
        keep_seconds=int(min(bench.subject.deadline.seconds, _MAX_KEEP_SECONDS)) + 60,
    )
    # Without a generic resource: it must not be able to open any GPU.
    return bench.send(profile, name, script)


def _upload_of_the_web(subject: Subject) -> Path | None:
    """Return an upload as the web process left it: another's file, which jobs read through its group only."""
    blobs, own = subject.cluster.storage / "blobs", os.geteuid()
    for folder in sorted(blobs.glob("[0-9a-f][0-9a-f]")):
        for path in folder.iterdir():
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_uid != own:
                return path
    return None


def _send_memory(bench: _Bench, profile: Profile) -> Sent:
    memory = min(profile.memory_mib, MEMORY_MIB)
    script = memory_script(3 * memory * 1024**2)
    return bench.send(profile, f"{profile.name}-memory", script, memory_mib=memory)


def _send_build(bench: _Bench) -> Sent:
    archive, directory = bench.directory / "probe.tar", bench.directory / "build"
    write_probe_archive(bench.subject.settings.probe.busybox, archive)
    token = bench.jobs.new_token()
    build = Build(
        kind=BuildKind.ARCHIVE,
        source=PurePosixPath(archive),
        source_sha256=sha256(archive.read_bytes()).hexdigest(),
        node=bench.node,
    )
    directory.mkdir()
    bench.files.put(archive)
    script = build_script(build, token=token, directory=PurePosixPath(directory))
    return bench.hand_over(bench.spec(bench.subject.build_profile, "build", script), token)


def _take_build(bench: _Bench, observed: Observed) -> None:
    directory = bench.directory / "build"
    run = run_record(directory, observed.build, bench.fetch("build"), bench.late)
    observed.built = run is not None and run.done
    observed.build_log = last_words(directory, run)


def _send_sealed(bench: _Bench, profile: Profile) -> Sent:
    image = bench.directory / "build" / "image.sif"
    digest = (bench.directory / "build" / "image.sha256").read_text(encoding="ascii").strip()
    directory, token = bench.directory / f"{profile.name}-sealed", bench.jobs.new_token()
    directory.mkdir()
    run = SealedRun(
        image=PurePosixPath(image),
        image_sha256=digest,
        probe_image=PurePosixPath(image),
        probe_sha256=digest,
        argv=("/bin/sh", "/input/inside.sh"),
        binds=(
            Bind(source=PurePosixPath(bench.directory / "input"), target=PurePosixPath("/input")),
            Bind(
                source=PurePosixPath(directory / "output"),
                target=PurePosixPath("/output"),
                writable=True,
            ),
        ),
        environment={"SEALRUN_INPUT": "/input", "SEALRUN_OUTPUT": "/output"},
        gpu=profile.has_gpu,
        time_limit=60,
        output_limit=1024**2,
        output_files=10,
        disk=bench.subject.settings.limits.disk,
        process_limit=bench.subject.settings.limits.processes,
        node=bench.node,
    )
    script = run_script(run, token=token, directory=PurePosixPath(directory))
    spec = bench.spec(profile, directory.name, script, gres=profile.gres)
    return bench.hand_over(spec, token)


def _take_sealed(bench: _Bench, seen: Seen, sealed: Sent) -> None:
    directory = bench.directory / f"{seen.profile.name}-sealed"
    seen.run = run_record(directory, sealed, bench.fetch(directory.name), bench.late)
    if seen.run is not None and seen.run.done:
        seen.inside = read_notes(directory / "output" / "notes")
    seen.log = last_words(directory, seen.run)
