"""The directories of a job, as the job saw them: the room for its work, whether programs run there, what outlasts it."""

from collections.abc import Iterator

from containers.interface import UNPACKED_LIMIT, Node
from portal.domain.challenges.profiles import Profile
from portal.domain.site.findings import Finding
from portal.site_check.jobs.node_scripts import Notes
from portal.site_check.rules.probe_rules import EXECUTABLE, ROOM, VERIFIED
from portal.site_check.target import Subject

FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - of the jobs
"""What a job has of its own; ``probe.files`` checks it."""

_GIB = 1024**3
_IMAGES = 4
"""A build unpacks an image, and packs it again, before it is copied away: that is so many times its size."""


def check(subject: Subject, profile: Profile, notes: Notes) -> Iterator[Finding]:
    """Judge what the job of a profile noted of its directories."""
    node = " ".join(notes.get("node", ()))
    yield _room(subject, profile, notes, node)
    yield _verified(profile, notes, node)
    noted = " ".join(notes.get("programs", ()))
    if not noted:
        yield EXECUTABLE.unchecked("the job has not noted it", subject=profile.name)
        return
    found = "programs run" if noted == "ok" else noted
    yield EXECUTABLE.judged(
        noted == "ok", f"on {node}: in {Node().scratch}: {found}", subject=profile.name
    )


def _room(subject: Subject, profile: Profile, notes: Notes, node: str) -> Finding:
    free, _, kind = " ".join(notes.get("room", ())).partition(" ")
    if not free.isdecimal():
        return ROOM.unchecked("the job has not noted it", subject=profile.name)
    wanted, what = _wanted(subject, profile)
    return ROOM.judged(
        int(free) >= wanted,
        f"on {node}: {int(free) / _GIB:.1f} GiB free in {Node().scratch} ({kind}); "
        f"{what} may need {wanted / _GIB:.1f} GiB",
        subject=profile.name,
    )


def _verified(profile: Profile, notes: Notes, node: str) -> Finding:
    noted = notes.get("verified", ())
    if "end" not in noted:
        return VERIFIED.unchecked("the job has not noted it", subject=profile.name)
    # What a job has of its own ends with it.
    lasting = [place for place in noted if place != "end" and place not in FOLDERS]
    found = f"noted in {lasting[0]}" if lasting else "noted nowhere, so each job reads its images"
    return VERIFIED.judged(bool(lasting), f"on {node}: {found}", subject=profile.name)


def _wanted(subject: Subject, profile: Profile) -> tuple[int, str]:
    """Return the bytes that one job of the profile may need there, and which kind of job."""
    limits = subject.settings.limits
    run = limits.scratch
    if limits.disk != "watched":
        # A run's output is on a file system of its own in the scratch directory, until it has ended.
        run += limits.output
    build = min(_IMAGES * limits.upload, UNPACKED_LIMIT)
    if profile.name != subject.build_profile.name:
        return run, "a run"
    samples = {each.sample for each in subject.every_profile}
    if profile.name in samples and run > build:
        return run, "a run on a sample"
    return build, "the build of the largest image"
