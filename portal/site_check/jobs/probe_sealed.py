"""What the site's probe saw from inside a sealed container, with the flags of every submission."""

import json
import re
from collections.abc import Iterator

from containers.probe import ProbeReport, ProbeUnreadableError, parse_probe
from portal.domain.evaluations.shares import gpu_count
from portal.domain.site.findings import Finding
from portal.site_check.jobs.probe_jobs import Seen
from portal.site_check.rules.probe_rules import (
    CAPABILITIES,
    DEVICES,
    GPU_DRIVER,
    INPUT,
    INSIDE,
    NAMESPACES,
    NETWORK,
    PRIVILEGES,
    SEALS,
    SECCOMP,
    SERVICES,
)
from portal.site_check.target import Subject

FORBIDDEN = frozenset({"Operation not permitted", "Permission denied"})
"""What opening a device answers that the job was not given. No driver, say, is another answer."""
GPU = re.compile(r"nvidia[0-9]+")
_FILTERED = 2
# Apptainer's own, the image's and the run's.
_EXPECTED = re.compile(
    r"APPTAINER.*|SINGULARITY.*|SEALRUN_(?:INPUT|OUTPUT)|PATH|HOME|PWD|OLDPWD|LANG|LC_ALL|SHLVL"
    r"|TERM|USER|USER_PATH|PS1|PROMPT_COMMAND|LD_LIBRARY_PATH|_|CUDA_VISIBLE_DEVICES|NVIDIA_.*"
)


def check_sealed(subject: Subject, seen: Seen, canary: str) -> Iterator[Finding]:
    """Judge the sealed run of a profile, and the report of the probe that ran before it."""
    name, run, job = seen.profile.name, seen.run, seen.sealed
    if job is not None and (job.gave_up or job.unsent):
        yield SEALS.unchecked(job.description, subject=name, change=job.remedy)
        return
    done = run is not None and run.done and run.sealed
    noted = f"{job.description if job else ''}; {seen.log}".strip("; ")
    yield SEALS.judged(done, "ran to its end" if done else noted, subject=name)
    try:
        report = parse_probe(json.dumps(run.probe if run else {}))
    except ProbeUnreadableError:
        yield NETWORK.unchecked("the probe could not say anything", subject=name)
        return
    yield from _report(report, name)
    yield _devices(seen, report)
    yield from _driver(subject, seen, report)
    if seen.inside is not None:
        yield _inside(name, seen.inside.get("variable", ()))
        read = seen.inside.get("canary") == (canary,)
        if not read:
            yield INPUT.broken("the container does not read its input", subject=name)
    elif done:
        yield INSIDE.unchecked("the container has noted nothing in its output", subject=name)


def _report(report: ProbeReport, name: str) -> Iterator[Finding]:
    closed = report.interfaces == ("lo",) and report.routes <= 0
    found = f"interfaces {', '.join(report.interfaces)}, {max(0, report.routes)} routes"
    yield NETWORK.judged(closed, found, subject=name)
    binds = {str(bind.target): (bind.mounted, bind.wrote) for bind in report.binds}
    as_meant = binds == {"/input": ("ro", False), "/output": ("rw", True)}
    noted = ", ".join(
        f"{target} is {how}{', and was written to' if wrote else ''}"
        for target, (how, wrote) in binds.items()
    )
    yield INPUT.judged(as_meant, noted, subject=name)
    some = {key: value for key, value in report.capabilities.items() if key != "CapBnd"}
    held = [f"{key} {value}" for key, value in some.items() if int(value, 16)]
    yield CAPABILITIES.judged(bool(some) and not held, ", ".join(held) or "none", subject=name)
    yield PRIVILEGES.judged(
        report.no_new_privs == 1, f"NoNewPrivs: {report.no_new_privs}", subject=name
    )
    nested = ", and it can make namespaces" if report.nested_namespace else ""
    yield SECCOMP.judged(
        report.seccomp == _FILTERED and not nested,
        f"Seccomp: {report.seccomp}{nested}",
        subject=name,
    )
    shared = [kind for kind, apart in report.namespaces.items() if not apart]
    yield NAMESPACES.judged(
        not shared, f"not apart: {', '.join(shared)}" if shared else "all are its own", subject=name
    )
    yield SERVICES.judged(not report.services, ", ".join(report.services) or "none", subject=name)


def _devices(seen: Seen, report: ProbeReport) -> Finding:
    name, given = seen.profile.name, gpu_count(seen.profile.gres)
    there = {device: noted for device, noted in report.devices.items() if GPU.fullmatch(device)}
    usable = sorted(device for device, noted in there.items() if noted not in FORBIDDEN)
    if given and not there:
        return DEVICES.broken("there is no /dev/nvidiaN in the container", subject=name)
    what = f"a container with {given} can open {len(usable)} of {len(there)}"
    return DEVICES.judged(len(usable) == given, what, subject=name)


def _driver(subject: Subject, seen: Seen, report: ProbeReport) -> Iterator[Finding]:
    """Judge whether a driver answers for what the job could open; without a GPU there is nothing to say."""
    name = seen.profile.name
    given = {
        device: noted
        for device, noted in report.devices.items()
        if GPU.fullmatch(device) and noted not in FORBIDDEN
    }
    if not seen.profile.has_gpu or not given:
        # That there is none at all, although it was asked for, is another finding.
        return
    if not subject.settings.probe.gpu_driver:
        yield GPU_DRIVER.left_out("probe.gpu_driver: false", subject=name)
        return
    silent = [f"{device}: {noted}" for device, noted in sorted(given.items()) if noted != "opened"]
    version = " ".join((seen.looked or {}).get("driver", ()))
    if silent:
        yield GPU_DRIVER.broken(f"no driver answers: {', '.join(silent)}", subject=name)
        return
    yield GPU_DRIVER.holds(f"{len(given)} answer{f'; {version}' if version else ''}", subject=name)


def _inside(name: str, variables: tuple[str, ...]) -> Finding:
    strange = sorted(variable for variable in variables if not _EXPECTED.fullmatch(variable))
    found = f"also {', '.join(strange)}" if strange else "none besides"
    return INSIDE.judged(not strange, found, subject=name)
