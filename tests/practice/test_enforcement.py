"""What the site's configuration promises about jobs, tried by jobs that break the rules."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from site_config.practice.site import PracticeSite
from tests.support.cluster.inside import Inside

pytestmark = pytest.mark.cluster

TRY_DEVICES = """
for device in /dev/nvidia0 /dev/nvidia1; do
  python3 -c 'import os, sys
try:
    os.open(sys.argv[1], os.O_RDWR)
except OSError as error:
    print(sys.argv[1], os.strerror(error.errno))' $device
done
"""
SHIPPED_PROFILE = "etc/apptainer/seccomp-profiles/default.json"
NO_DRIVER = "No such device or address"
FORBIDDEN = "Operation not permitted"


def launched_root(site: PracticeSite) -> str:
    launch = json.loads((site.paths.home / "launch.json").read_text(encoding="utf-8"))
    return str(launch["root"])


@pytest.fixture(scope="module", autouse=True)
def endless_job(inside: Inside) -> str:
    # Slurm counts time limits in whole minutes, so this one runs beside all the other tests.
    return inside.submit("sleep 600", "--partition=build", "--mem=50M", "--time=1")


@pytest.fixture(scope="module")
def image(site: PracticeSite, inside: Inside) -> Iterator[Path]:
    """An image with nothing but a shell, built inside as the account would."""
    folder, sif = site.paths.storage / "rootfs", site.paths.storage / "shell.sif"
    made = inside.run(
        "sh",
        "-ec",
        f"mkdir -p {folder}/bin {folder}/etc; cd {folder}/bin; cp /usr/bin/busybox .;"
        f"for name in sh cat ls wc touch id grep; do ln -sf busybox $name; done; apptainer build -F {sif} {folder}",
    )
    assert made.returncode == 0, made.stderr
    yield sif
    shutil.rmtree(folder)


def test_a_job_opens_only_the_gpu_it_was_given(inside: Inside) -> None:
    job = inside.job(TRY_DEVICES, "--partition=gpu", "--gres=gpu:1", "--mem=100M")

    assert sorted(line.partition(" ")[2] for line in job.output.splitlines()) == [
        NO_DRIVER,
        FORBIDDEN,
    ]


def test_a_job_without_gres_opens_no_gpu(inside: Inside) -> None:
    job = inside.job(TRY_DEVICES, "--partition=gpu", "--mem=100M")

    assert job.output.splitlines() == [f"/dev/nvidia0 {FORBIDDEN}", f"/dev/nvidia1 {FORBIDDEN}"]


def test_more_memory_than_asked_for_ends_the_job(inside: Inside) -> None:
    job = inside.job(
        "python3 -c 'x = bytearray(400_000_000)'; true", "--partition=build", "--mem=100M"
    )

    assert (job.state, job.exit_code) == ("OUT_OF_MEMORY", "0:125")


def test_a_time_limit_ends_the_job(inside: Inside, endless_job: str) -> None:
    # A minute, and the half minute at which slurmctld looks.
    assert inside.wait(endless_job, seconds=120).state == "TIMEOUT"


def test_the_comment_of_a_job_is_kept_in_accounting(inside: Inside) -> None:
    job = inside.job("true", "--partition=build", "--mem=50M", "--comment=token-1")

    told = inside.run("sacct", "-X", "-n", "-P", "-j", job.id, "-o", "comment")
    assert (job.state, told.stdout) == ("COMPLETED", "token-1\n")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param(["--qos=normal"], "Invalid qos specification", id="another qos"),
        pytest.param(["--account=root"], "Invalid account", id="another account"),
        pytest.param(
            ["--time=2:00:00"],
            "Requested time limit is invalid",
            id="longer than the partition allows",
        ),
        pytest.param(
            ["--mem=500G"],
            "Memory specification can not be satisfied",
            id="more memory than a node has",
        ),
        pytest.param(
            ["--gres=gpu:2", "--partition=gpu"],
            "QOSMaxGRESPerJob",
            id="more GPUs than the qos allows",
        ),
    ],
)
def test_a_job_beyond_the_limits_is_refused_at_once(
    inside: Inside, options: list[str], reason: str
) -> None:
    refused = inside.run("sbatch", "--partition=build", *options, "--wrap=true")

    assert (refused.returncode, reason in refused.stderr) == (1, True), refused.stderr


def test_a_sealed_container_has_no_network_and_a_readonly_input(
    site: PracticeSite, inside: Inside, image: Path
) -> None:
    storage = site.paths.storage
    for name in ("in", "out", "scratch"):
        assert inside.run("mkdir", "-p", f"{storage}/{name}").returncode == 0
    # The shipped profile answers "not permitted" to clone3 and rseq, and Apptainer itself crashes of it now and
    # then. "Trace" without a tracer is "does not exist".
    profile = json.loads(Path(launched_root(site), SHIPPED_PROFILE).read_text(encoding="utf-8"))
    profile["syscalls"] += [
        {"names": ["clone3"], "action": "SCMP_ACT_TRACE"},
        {"names": ["rseq"], "action": "SCMP_ACT_ALLOW"},
    ]
    (storage / "seccomp.json").write_text(json.dumps(profile), encoding="utf-8")
    look = (
        "grep -c : /proc/net/dev; wc -l < /proc/net/route; touch /input/x; touch /output/x; id -u;"
        " grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status"
    )
    script = (
        "env -i PATH=/usr/bin:/bin apptainer exec --containall --no-home --no-eval --no-privs --drop-caps all"
        " --net --network none --nv --no-mount hostfs,bind-paths,cwd"
        f" --workdir {storage}/scratch --security seccomp:{storage}/seccomp.json"
        f" --bind {storage}/in:/input:ro --bind {storage}/out:/output:rw --pwd /output {image}"
        f' /bin/sh -c "{look}"'
    )

    job = inside.job(script, "--partition=gpu", "--gres=gpu:1", "--mem=300M")

    lines = [line for line in job.output.splitlines() if not line.startswith(("INFO", "WARNING"))]
    assert [line.split("\t")[-1] for line in lines] == [
        "1",
        "1",
        "touch: /input/x: Read-only file system",
        str(site.status().account_uid),
        "0000000000000000",
        "1",
        "2",
    ]
    assert (storage / "out/x").exists()


def test_nv_shows_both_gpus_and_slurm_still_guards_them(
    site: PracticeSite, inside: Inside, image: Path
) -> None:
    script = f"apptainer exec --containall --nv {image} /bin/sh -c 'for n in 0 1; do cat < /dev/nvidia$n; done'"

    job = inside.job(script, "--partition=gpu", "--gres=gpu:1", "--mem=300M")

    told = [line.rpartition(": ")[2] for line in job.output.splitlines() if "/dev/nvidia" in line]
    assert sorted(told) == ["No such device or address", "Operation not permitted"]


SLURM_LOOKS_EVERY = 60
"""Seconds between two looks at the queue, as Slurm comes."""


def test_a_job_does_not_wait_for_the_next_look_at_the_queue(inside: Inside) -> None:
    configuration = inside.run("scontrol", "show", "config").stdout
    (parameters,) = [
        line for line in configuration.splitlines() if line.startswith("SchedulerParameters")
    ]
    assert {"batch_sched_delay=0", "sched_interval=5"} <= set(parameters.split("= ")[1].split(","))

    job = inside.submit("date +%s.%N", "--partition=build", "--mem=50M")

    inside.wait(job)
    line = json.loads(inside.run("sacct", "-X", "-j", job, "--json").stdout)["jobs"][0]["time"]
    assert line["start"] - line["submission"] < SLURM_LOOKS_EVERY / 2
