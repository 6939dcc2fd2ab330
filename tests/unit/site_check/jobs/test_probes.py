"""What follows from what the jobs of a check brought back."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from containers.rundir import RunRecord
from portal.domain.site.findings import Level
from portal.site_check.jobs import probe_scratch, probes
from portal.site_check.jobs.probe_jobs import Observed, Seen
from portal.site_check.jobs.sent import LONGER, Sent
from portal.site_check.rules import apptainer
from portal.site_check.target import Subject
from scheduler.interface import JobRef, JobReport, Outcome, Phase, Token
from tests.unit.containers.fake_node import PROBE_REPORT
from tests.unit.site_check.subjects import SITE, MakeSubject

BEGUN = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CANARY = "0123"
PLACES = probe_scratch.FOLDERS
OWNER = str(os.geteuid())
GIB = 1024**3
OUTPUT = {"target": "/output", "declared": "rw", "mounted": "rw", "wrote": True, "error": ""}
REPORT = json.loads(PROBE_REPORT)
REPORT |= {
    "binds": [*REPORT["binds"], OUTPUT],
    "devices": {
        "nvidia0": "opened",
        "nvidia1": "Operation not permitted",
        "nvidiactl": "No such device or address",
    },
}


def job(outcome: Outcome | None, *, seconds: int = 1, **keys: Any) -> Sent:
    report = JobReport(
        token=Token("sr-1"),
        ref=JobRef(cluster=None, job_id="1"),
        phase=Phase.ENDED if outcome else Phase.PENDING,
        outcome=outcome,
        raw_state=outcome.name if outcome else "PENDING",
        started_at=BEGUN,
        ended_at=BEGUN + timedelta(seconds=seconds),
    )
    return Sent(token=Token("sr-1"), report=report, **keys)


def waited_in_vain() -> Sent:
    """Return a job for which no node was free."""
    pending = job(None, job_id="1", partition="gpu", gave_up=True, waited=timedelta(minutes=10))
    assert pending.report is not None
    then = replace(pending.report, raw_reason="Resources")
    # Meanwhile it was cancelled.
    return replace(pending, limit="--job-timeout", then=then, report=job(Outcome.CANCELLED).report)


def run(**report: Any) -> RunRecord:
    return RunRecord(
        claimed=True, claim_token="sr-1", started=True, done=True, exit_code=0, reason=None,
        probe=REPORT | report, sealed=True, versions={"processes": "apart", "space": "fixed"}, image_sha256=None,
    )  # fmt: skip


def noted(**keys: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    notes: dict[str, tuple[str, ...]] = {
        "node": ("n1",),
        "machine": ("x86_64",),
        "uid": (OWNER,),
        "variable": ("PATH", "SLURM_JOB_ID"),
        "canary": (CANARY,),
        "device": ("nvidia0 Operation not permitted", "nvidia1 Operation not permitted"),
        "user_namespace": ("ok",),
        "network_namespace": ("ok",),
        "cpus": ("8",),
        "nproc": ("unlimited",),
        "threads_max": ("200000",),
        "pid_max": ("4194304",),
        "apptainer": ("1.4.5",),
        "configuration": ("/etc/apptainer/apptainer.conf",),
        "setting": ("allow setuid = no", "user bind control = yes"),
        "left": PLACES,
        "room": (f"{100 * GIB} xfs",),
        "programs": ("ok",),
        "verified": ("/run/sealrun", *PLACES, "end"),
        "driver": ("NVRM version: 580.65",),
    }
    return notes | keys


@pytest.fixture(autouse=True)
def storage(subject: Subject) -> None:
    subject.cluster.storage.mkdir(mode=0o700)


def well(subject: Subject) -> Seen:
    return Seen(
        profile=subject.profiles[0],
        look=job(Outcome.COMPLETED),
        memory=job(Outcome.MEMORY_LIMIT),
        ignores_sigterm=job(Outcome.TIME_LIMIT, seconds=86),
        find=job(Outcome.COMPLETED),
        sealed=job(Outcome.COMPLETED),
        looked=noted(),
        found={"node": ("n1",)},
        run=run(),
        inside={"canary": (CANARY,), "variable": ("PATH", "SEALRUN_INPUT", "APPTAINER_NAME")},
    )


def observed(seen: Seen, **keys: Any) -> Observed:
    made = Observed(canary=CANARY, build=job(Outcome.COMPLETED), built=True, profiles=[seen])
    return replace(made, **keys)


def wrong(subject: Subject, what: Observed) -> dict[str, tuple[Level, str]]:
    found = probes.check(subject, what)
    return {one.id: (one.level, one.found) for one in found if one.level is not Level.OK}


def test_jobs_that_saw_nothing_wrong_have_no_finding(subject: Subject) -> None:
    assert wrong(subject, observed(well(subject))) == {}


FAILURE, WARNING = Level.FAILURE, Level.WARNING


@pytest.mark.parametrize(
    ("keys", "id_", "level", "found"),
    [
        ({"canary": ("cat: no such file",)}, "storage.shared", FAILURE,
         "the job does not read what the portal has written"),
        ({"uid": ("4242",)}, "storage.account", FAILURE,
         "jobs run as user id 4242, the storage belongs to {owner}"),
        ({"machine": ("aarch64",)}, "probe.architecture", FAILURE,
         "on n1: arm64; the profile says amd64"),
        ({"missing": ("tar", "od")}, "probe.programs", FAILURE, "missing: tar, od"),
        ({"variable": ("PATH", "DB_PASSWORD", "SEALRUN_SITE", "KEYBOARD")}, "probe.environment", FAILURE,
         "a job has the variables DB_PASSWORD, SEALRUN_SITE"),
        ({"device": ("nvidia0 opened", "nvidia1 Permission denied")}, "probe.devices", FAILURE,
         "a job without GPUs can open nvidia0 of 2"),
        ({"room": (f"{17 * GIB} tmpfs",)}, "probe.room", FAILURE,
         "on n1: 17.0 GiB free in /tmp (tmpfs); a run may need 18.0 GiB"),
        ({"room": ()}, "probe.room", FAILURE, "not checked: the job has not noted it"),
        ({"programs": ("bash: /tmp/x.program: Permission denied",)}, "probe.executable", FAILURE,
         "on n1: in /tmp: bash: /tmp/x.program: Permission denied"),
        ({"programs": ()}, "probe.executable", FAILURE, "not checked: the job has not noted it"),
        ({"verified": (*PLACES, "end")}, "probe.verified", WARNING,
         "on n1: noted nowhere, so each job reads its images"),
        ({"verified": ("/run/sealrun",)}, "probe.verified", FAILURE,
         "not checked: the job has not noted it"),
        ({"nproc": ("32768",)}, "probe.tasks", WARNING,
         "the account's hard limit (nproc) is 32768; 8 runs may have 32768"),
        ({"cpus": ("",)}, "probe.tasks", FAILURE,
         "not checked: the node does not say how many there may be"),
        ({"user_namespace": ("unshare failed",)}, "apptainer.user_namespaces", FAILURE,
         "on n1: unshare failed"),
        ({"apptainer": ("1.3.5-1.el9",)}, "apptainer.version", FAILURE,
         "on n1: 1.3.5-1.el9; at least 1.3.6 is asked for"),
        ({"starter": ("setuid",), "setting": ("allow setuid = yes",)}, "apptainer.setuid", WARNING,
         "on n1: with set-user-id"),
        ({"setting": ("user bind control = no",)}, "apptainer.binds", FAILURE,
         "on n1: user bind control = no"),
        ({"setting": ()}, "apptainer.binds", FAILURE,
         "not checked: on n1: /etc/apptainer/apptainer.conf cannot be read by the jobs' account"),
    ],
)  # fmt: skip
def test_what_the_look_around_shows_is_judged(
    subject: Subject, keys: dict[str, Any], id_: str, level: Level, found: str
) -> None:
    seen = replace(well(subject), looked=noted(**keys))

    assert wrong(subject, observed(seen)) == {id_: (level, found.format(owner=OWNER))}


@pytest.mark.parametrize(
    ("architecture", "machine"), [("arm64", "aarch64"), ("amd64", "x86_64"), ("riscv64", "riscv64")]
)
def test_processors_are_those_that_the_profile_names(
    make_subject: MakeSubject, architecture: str, machine: str
) -> None:
    profiles = SITE["profiles"]
    told = {name: one | {"architecture": architecture} for name, one in profiles.items()}
    subject = make_subject(profiles=told)
    seen = replace(well(subject), looked=noted(machine=(machine,)))

    assert wrong(subject, observed(seen)) == {}


def test_what_to_write_for_other_processors_is_said(subject: Subject) -> None:
    seen = replace(well(subject), looked=noted(machine=("aarch64",)))

    (finding,) = [one for one in probes.check(subject, observed(seen)) if one.level is not Level.OK]

    assert finding.change == "site.yaml: profiles.gpu.architecture: arm64"


@pytest.mark.parametrize(
    ("report", "id_", "found"),
    [
        ({"interfaces": ["lo", "eth0"]}, "probe.network", "interfaces lo, eth0, 0 routes"),
        ({"routes": 1}, "probe.network", "interfaces lo, 1 routes"),
        ({"no_new_privs": 0}, "probe.no_new_privileges", "NoNewPrivs: 0"),
        ({"seccomp": 0}, "probe.seccomp", "Seccomp: 0"),
        ({"services": ["/run/munge"]}, "probe.services", "/run/munge"),
        ({"capabilities": REPORT["capabilities"] | {"CapEff": "0000000000000400"}},
         "probe.capabilities", "CapEff 0000000000000400"),
        ({"namespaces": REPORT["namespaces"] | {"pid": {"own": "pid:[1]", "node": "pid:[1]"}}},
         "probe.namespaces", "not apart: pid"),
        ({"binds": [REPORT["binds"][0] | {"mounted": "rw", "wrote": True}, OUTPUT]},
         "probe.input", "/input is rw, and was written to, /output is rw, and was written to"),
        ({"devices": {"nvidia0": "opened", "nvidia1": "opened"}}, "probe.devices",
         "a container with 1 can open 2 of 2"),
        ({"devices": {}}, "probe.devices", "there is no /dev/nvidiaN in the container"),
    ],
)  # fmt: skip
def test_what_the_probe_saw_is_judged(
    subject: Subject, report: dict[str, Any], id_: str, found: str
) -> None:
    seen = replace(well(subject), run=run(**report))

    assert wrong(subject, observed(seen)) == {id_: (FAILURE, found)}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"memory": job(Outcome.COMPLETED)},
         {"probe.memory": (FAILURE, "a job with 128 MiB has used 384 MiB")}),
        ({"memory": job(Outcome.FAILED)}, {"probe.memory": (FAILURE, "not checked: FAILED")}),
        ({"ignores_sigterm": None}, {"probe.time": (Level.LEFT_OUT, "left out on request: --quick")}),
        ({"ignores_sigterm": job(Outcome.TIME_LIMIT, seconds=400)},
         {"probe.time": (FAILURE, "a job with one minute that ignores SIGTERM was ended after 400 s")}),
        ({"found": {"node": ("n1",), "process": ("17",)}},
         {"probe.processes": (FAILURE, "a process of the job before still ran")}),
        ({"found": {"node": ("n1",), "file": PLACES[2:]}},
         {"probe.files": (FAILURE, "a file of the job before was in /dev/shm")}),
        ({"found": {"node": ("n2",)}}, {
            "probe.files": (FAILURE, "not checked: the second job ran on n2, not on n1"),
            "probe.processes": (FAILURE, "not checked: the second job ran on n2, not on n1"),
        }),
        ({"run": replace(run(), versions={"processes": "shared", "space": "fixed"})},
         {"probe.counted_apart": (WARNING, "all jobs of the account share one")}),
        ({"run": replace(run(), versions={"processes": "apart", "space": "watched"})},
         {"probe.space": (WARNING, "it is looked at every five seconds")}),
        ({"run": replace(run(), versions={})},
         {"probe.counted_apart": (FAILURE, "not checked: no run has said it"),
          "probe.space": (FAILURE, "not checked: no run has said it")}),
        ({"looked": noted(left=())},
         {"probe.files": (FAILURE, "not checked: a job could leave nothing anywhere")}),
        ({"inside": None},
         {"probe.inside": (FAILURE, "not checked: the container has noted nothing in its output")}),
        ({"sealed": None, "run": None, "inside": None},
         {"probe.seals": (FAILURE, "not checked: no image could be made to run, see probe.builds")}),
        ({"inside": {"canary": (CANARY,), "variable": ("PATH", "SITE_LICENCE")}},
         {"probe.inside": (FAILURE, "also SITE_LICENCE")}),
        ({"look": Sent(token=Token("sr-1"), refused="no such partition"), "looked": None},
         {"probe.starts": (FAILURE, "refused: no such partition")}),
        ({"look": job(Outcome.FAILED), "looked": None, "words": "bash: No space left on device"},
         {"probe.starts": (FAILURE, "FAILED; bash: No space left on device")}),
        ({"look": waited_in_vain(), "looked": None},
         {"probe.starts": (FAILURE, ("not checked: job 1 in partition gpu was still PENDING (Resources) after "
          "10m (--job-timeout); nothing of this profile could be tried"))}),
        ({"look": replace(waited_in_vain(), then=None, job_id="", problem="squeue: no answer"), "looked": None},
         {"probe.starts": (FAILURE, ("not checked: nothing was heard of job sr-1 in partition gpu after 10m "
          "(--job-timeout): squeue: no answer; nothing of this profile could be tried"))}),
        ({"memory": waited_in_vain()},
         {"probe.memory": (FAILURE, ("not checked: job 1 in partition gpu was still PENDING (Resources) after 10m "
          "(--job-timeout)"))}),
        ({"looked": None},
         {"storage.shared": (FAILURE, "a job has ended well, and what it wrote does not appear here")}),
    ],
)  # fmt: skip
def test_how_jobs_ended_is_judged(
    subject: Subject, keys: dict[str, Any], expected: dict[str, tuple[Level, str]]
) -> None:
    assert wrong(subject, observed(replace(well(subject), **keys))) == expected


def test_a_site_without_private_folders_is_told_both_lines(subject: Subject) -> None:
    seen = replace(well(subject), found={"node": ("n1",), "file": PLACES})

    found = {one.id: one.change for one in probes.check(subject, observed(seen))}

    assert found["probe.files"] == (
        "slurm.conf: JobContainerType=job_container/tmpfs; job_container.conf: "
        "Dirs=/tmp,/var/tmp,/dev/shm"
    )


@pytest.mark.parametrize(
    ("job_", "change"),
    [
        (waited_in_vain(), f"run: sinfo --partition=gpu, and free a node of it, or {LONGER}"),
        (
            replace(waited_in_vain(), then=None),
            "squeue and sacct, which have to answer; then run the check again",
        ),
        (
            replace(
                waited_in_vain(),
                then=JobReport(
                    token=Token("sr-1"), ref=JobRef(cluster=None, job_id="1"), phase=Phase.RUNNING,
                    outcome=None, raw_state="RUNNING", nodes="n7",
                ),
            ),
            "run: scontrol show job 1, and look at slurmd's log on n7",
        ),
        (Sent(token=Token("sr-1"), unsent="the time limit was over"), LONGER),
    ],
)  # fmt: skip
def test_what_was_waited_for_in_vain_says_what_to_do(
    subject: Subject, job_: Sent, change: str
) -> None:
    seen = replace(well(subject), look=job_, looked=None)

    found = {one.id: one for one in probes.check(subject, observed(seen))}

    assert (found["probe.starts"].level, found["probe.starts"].change) == (FAILURE, change)


@pytest.mark.parametrize(
    ("limits", "profile", "found"),
    [
        ({"upload": "1G", "scratch": "2G", "output": "1G"}, "gpu", "a run may need 3.0 GiB"),
        ({"upload": "1G", "scratch": "2G", "output": "1G", "disk": "watched"}, "gpu",
         "a run may need 2.0 GiB"),
        ({"upload": "1G"}, "build", "the build of the largest image may need 4.0 GiB"),
        # No build may use more on its way, however large its image is.
        ({"upload": "30G"}, "build", "the build of the largest image may need 60.0 GiB"),
    ],
)  # fmt: skip
def test_the_room_that_is_asked_for_follows_the_limits(
    make_subject: MakeSubject, limits: dict[str, str], profile: str, found: str
) -> None:
    subject = make_subject(limits=limits)
    one = next(one for one in subject.profiles if one.name == profile)

    room = next(iter(probe_scratch.check(subject, one, noted(room=(f"{GIB} xfs",)))))

    assert (room.level, room.found) == (FAILURE, f"on n1: 1.0 GiB free in /tmp (xfs); {found}")


def test_a_gpu_whose_driver_does_not_answer_is_a_failure(make_subject: MakeSubject) -> None:
    subject = make_subject()
    silent = run(devices=REPORT["devices"] | {"nvidia0": "No such device or address"})
    seen = replace(well(subject), run=silent)

    found = {one.id: one for one in probes.check(subject, observed(seen))}
    answers = {one.id: one for one in probes.check(subject, observed(well(subject)))}

    assert (found["probe.gpu_driver"].level, found["probe.gpu_driver"].found) == (
        FAILURE,
        "no driver answers: nvidia0: No such device or address",
    )
    assert answers["probe.gpu_driver"].found == "1 answer; NVRM version: 580.65"


def test_a_site_that_pretends_its_gpus_says_so(make_subject: MakeSubject) -> None:
    subject = make_subject(probe={"gpu_driver": False})
    silent = run(devices=REPORT["devices"] | {"nvidia0": "No such device or address"})

    found = wrong(subject, observed(replace(well(subject), run=silent)))

    assert found == {
        "probe.gpu_driver": (
            Level.LEFT_OUT,
            "left out on request: probe.gpu_driver: false",
        )
    }


def test_jobs_that_were_not_sent_for_want_of_time_say_so(subject: Subject) -> None:
    seen = replace(well(subject), find=None, found=None, sealed=None, run=None, inside=None)
    cut = "the time limit of the whole check, 15m, was over before (--time-limit)"

    found = wrong(subject, observed(seen, cut=cut))

    assert found == dict.fromkeys(
        ("probe.files", "probe.processes", "probe.seals"), (FAILURE, f"not checked: {cut}")
    )


def test_without_jobs_each_check_of_theirs_is_left_out(subject: Subject) -> None:
    found = list(probes.left_out(subject, "--no-jobs"))

    assert {(one.level, one.found) for one in found} == {
        (Level.LEFT_OUT, "left out on request: --no-jobs")
    }
    # There is no data, and no account of the web process, on this site.
    of_jobs = {rule.id for rule in (*apptainer.RULES, *probes.RULES)}
    assert {one.id for one in found} == of_jobs - {"storage.data", "storage.group"}


def test_what_is_left_behind_is_said(subject: Subject) -> None:
    left = observed(well(subject), unended=[job(None)], left="/shared/checks/1")

    assert wrong(subject, left) == {
        "probe.clean": (WARNING, "left: job sr-1, /shared/checks/1"),
    }


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("missing /data/x", "/data/x is not there on the node"),
        ("closed /data/x", "/data/x cannot be read on the node"),
        ("755 /data/x", "/data/x has mode 755"),
        ("750 /data/x", None),
    ],
)
def test_private_data_is_readable_and_private(
    make_subject: MakeSubject, line: str, found: str | None
) -> None:
    subject = make_subject(data={"x": {"path": "/data/x", "challenges": ["cells"]}})
    seen = replace(well(subject), looked=noted(data=(line,)))

    expected = {"storage.data": (FAILURE, found)} if found else {}
    assert wrong(subject, observed(seen)) == expected


@pytest.mark.parametrize(
    ("keys", "level", "found"),
    [
        ({"groups": ("{gid} 77",)}, Level.OK, "uploads belong to group id {gid}, jobs have {gid}, 77"),
        ({"groups": ("77",)}, FAILURE, "uploads belong to group id {gid}, jobs have 77"),
        ({"groups": ("77",), "upload": ("ok",)}, Level.OK, "a job reads an upload"),
        (
            {"groups": ("{gid}",), "upload": ("head: cannot open: Permission denied",)},
            FAILURE,
            "an upload: head: cannot open: Permission denied",
        ),
    ],
)  # fmt: skip
def test_whether_a_job_reads_what_the_web_process_has_uploaded(
    make_subject: MakeSubject, keys: dict[str, tuple[str, ...]], level: Level, found: str
) -> None:
    subject = make_subject(accounts={"web": "web"})
    (subject.cluster.storage / "blobs").mkdir(parents=True)
    gid = str((subject.cluster.storage / "blobs").stat().st_gid)
    told = {key: tuple(one.format(gid=gid) for one in values) for key, values in keys.items()}

    one = probes._group(subject, noted(**told), "gpu")

    assert (one.id, one.level, one.found) == ("storage.group", level, found.format(gid=gid))
    assert (gid in one.change) is (level is FAILURE)
