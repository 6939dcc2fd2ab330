import json
import re
from pathlib import Path

import pytest

from containers.seccomp import ALLOWED, DENIED, profile
from tests.support.required import required

DANGEROUS = """
acct add_key bpf chroot clock_adjtime clock_settime delete_module fanotify_init finit_module
fsconfig fsmount fsopen fspick init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl
kexec_file_load kexec_load keyctl mount mount_setattr move_mount open_by_handle_at open_tree
perf_event_open pivot_root ptrace quotactl reboot request_key seccomp setdomainname sethostname setns
settimeofday swapoff swapon syslog umount2 unshare userfaultfd vhangup
"""
ALL_NAMESPACES = 0x7E020000


def rules(name: str) -> list[tuple[str, list[dict[str, int | str]]]]:
    found = [rule for rule in json.loads(profile())["syscalls"] if name in rule["names"]]
    return [(rule["action"].removeprefix("SCMP_ACT_"), rule["args"]) for rule in found]


def test_what_is_not_listed_does_not_exist() -> None:
    assert json.loads(profile())["defaultAction"] == "SCMP_ACT_TRACE"
    assert rules("clone3") == rules("a_call_of_tomorrow") == []


@pytest.mark.parametrize("name", DANGEROUS.split())
def test_dangerous_calls_are_denied_by_error(name: str) -> None:
    # By error and not by absence: an error ranks above what a filter of the container's own says.
    assert rules(name) == [("ERRNO", [])]


@pytest.mark.parametrize("name", ["read", "futex", "execve", "mmap", "fork", "prctl", "connect"])
def test_ordinary_calls_are_allowed(name: str) -> None:
    assert rules(name) == [("ALLOW", [])]


def outcome(flags: int) -> set[str]:
    return {
        action
        for action, (condition,) in rules("clone")
        if flags & int(condition["value"]) == condition["valueTwo"]
    }


@pytest.mark.parametrize("flags", [0, 17, 0x3D0F00])
def test_threads_and_processes_can_be_made(flags: int) -> None:
    assert outcome(flags) == {"ALLOW"}


@pytest.mark.parametrize(
    "flags", [*(1 << bit for bit in (17, 25, 26, 27, 28, 29, 30)), ALL_NAMESPACES, 0x10000011]
)
def test_namespaces_cannot_be_made(flags: int) -> None:
    assert outcome(flags) == {"ERRNO"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("socket", [1, 2, 10, 16]),
        ("socketpair", [1]),
        ("personality", [0, 0x40000, 0xFFFFFFFF]),
    ],
)
def test_some_calls_are_allowed_for_some_arguments(name: str, values: list[int]) -> None:
    conditions = [
        (action, condition["op"], condition["value"]) for action, (condition,) in rules(name)
    ]

    assert conditions == [("ALLOW", "SCMP_CMP_EQ", value) for value in values]


@pytest.mark.parametrize(
    "name",
    ["inotify_init1", "inotify_add_watch", "mincore", "cachestat", "statfs", "fstatfs",
     "name_to_handle_at"],
)  # fmt: skip
def test_what_tells_of_other_containers_does_not_exist(name: str) -> None:
    assert rules(name) == []


@pytest.mark.parametrize(
    ("command", "is_allowed"),
    [(0, True), (6, True), (37, True), (1030, True), (1031, True), (1033, True),
     (1024, False), (1025, False), (1026, False), ((1 << 32) | 1024, False), (5000, False)],
)  # fmt: skip
def test_files_can_be_locked_and_sized_but_not_watched_by_fcntl(
    command: int, is_allowed: bool
) -> None:
    allowed = [
        condition["index"] == 1 and command & int(condition["value"]) == condition["valueTwo"]
        for action, (condition,) in rules("fcntl")
        if action == "ALLOW"
    ]

    assert any(allowed) == is_allowed


def test_names_are_listed_once() -> None:
    names = [*ALLOWED, *DENIED]
    assert len(names) == len(set(names))


def test_names_are_names_of_system_calls() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    required("the kernel's headers (linux-libc-dev)", header.exists())
    known = set(re.findall(r"__NR_(\w+)", header.read_text()))

    # Younger than the headers, or of another architecture.
    assert {*ALLOWED, *DENIED} - known <= {
        "cachestat",
        "fchmodat2",
        "futex_requeue",
        "futex_wait",
        "futex_wake",
        "map_shadow_stack",
        "mseal",
        "sync_file_range2",
        "umount",
    }
