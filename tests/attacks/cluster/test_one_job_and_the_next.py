"""What one job leaves for the next on the same node: nothing."""

import time

import pytest

from tests.support.cluster.inside import Inside

pytestmark = [pytest.mark.cluster, pytest.mark.root]

BUILD = ("--partition=build", "--mem=50M")
GPU = ("--partition=gpu", "--gres=gpu:1", "--mem=100M")
TRY_DEVICES = """
for device in /dev/nvidia0 /dev/nvidia1; do
  python3 -c 'import os, sys
try:
    os.open(sys.argv[1], os.O_RDWR)
except OSError as error:
    print(sys.argv[1], os.strerror(error.errno))' $device
done
"""
NO_DRIVER = "No such device or address"
FORBIDDEN = "Operation not permitted"


def assert_gone(inside: Inside, folder: str) -> None:
    """Leave a file in one job, where its next command finds it, and look for it in the next job."""
    leave = inside.job(f"echo secret > {folder}/left; sh -c 'cat {folder}/left'", *BUILD)
    find = inside.job(f"ls -A {folder} | wc -l", *BUILD)
    on_the_node = inside.run("find", folder, "-name", "left", user="root")

    assert (leave.output, find.output, on_the_node.stdout) == ("secret\n", "0\n", "")


@pytest.mark.attack(16)
@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp"])
def test_what_a_job_leaves_in_a_temporary_folder_is_gone_for_the_next(
    inside: Inside, folder: str
) -> None:
    assert_gone(inside, folder)


@pytest.mark.attack(17)
def test_what_a_job_leaves_in_shared_memory_is_gone_for_the_next(inside: Inside) -> None:
    assert_gone(inside, "/dev/shm")


@pytest.mark.attack(18, 19)
def test_two_jobs_at_once_get_different_gpus(inside: Inside) -> None:
    first, second = (inside.submit(f"{TRY_DEVICES}\nsleep 3", *GPU) for _ in range(2))

    outputs = [inside.wait(job).output for job in (first, second)]

    assert sorted(outputs) == [
        f"/dev/nvidia0 {NO_DRIVER}\n/dev/nvidia1 {FORBIDDEN}\n",
        f"/dev/nvidia0 {FORBIDDEN}\n/dev/nvidia1 {NO_DRIVER}\n",
    ]


@pytest.mark.attack(18)
def test_a_gpu_that_is_in_use_is_given_to_nobody_else(inside: Inside) -> None:
    """With both taken a third job waits, however long, until one of them is free."""
    both = [inside.submit("sleep 6", *GPU) for _ in range(2)]
    time.sleep(1)
    third = inside.submit("date +%s", *GPU)

    told = inside.run("squeue", "-h", "-j", third, "-o", "%T %r").stdout
    ends = [inside.wait(job) for job in both]
    begun = int(inside.wait(third).output)

    assert told.split()[0] == "PENDING"
    assert [job.state for job in ends] == ["COMPLETED"] * 2
    first_end = min(_end(inside, job.id) for job in ends)
    assert begun >= first_end


def _end(inside: Inside, job: str) -> int:
    told = inside.run("sh", "-c", f"date +%s -d $(sacct -X -n -P -j {job} -o end)").stdout
    return int(told)
