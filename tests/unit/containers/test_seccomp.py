import json
import re
from pathlib import Path

import pytest

from containers.seccomp import ALLOWED, profile

DANGEROUS = """
acct add_key bpf chroot clock_adjtime clock_settime clone3 delete_module fanotify_init finit_module
fsconfig fsmount fsopen fspick init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl
kexec_file_load kexec_load keyctl mount mount_setattr move_mount open_by_handle_at open_tree
perf_event_open pivot_root ptrace quotactl reboot request_key setdomainname sethostname setns
settimeofday swapoff swapon syslog umount2 unshare userfaultfd vhangup
"""


def rules() -> list[dict[str, object]]:
    return json.loads(profile())["syscalls"]


def test_what_is_not_listed_does_not_exist() -> None:
    assert json.loads(profile())["defaultAction"] == "SCMP_ACT_TRACE"
    assert {rule["action"] for rule in rules()} == {"SCMP_ACT_ALLOW"}


@pytest.mark.parametrize("name", DANGEROUS.split())
def test_dangerous_calls_are_allowed_by_no_rule(name: str) -> None:
    assert [rule for rule in rules() if name in rule["names"]] == []


def test_calls_with_conditions_are_not_allowed_without() -> None:
    conditions = {
        name: sorted((rule["args"][0]["op"], rule["args"][0]["value"]) for rule in found)
        for name in ("clone", "socket", "socketpair", "personality")
        if (found := [rule for rule in rules() if name in rule["names"]])
    }

    assert conditions == {
        "clone": [("SCMP_CMP_MASKED_EQ", 0x7E020000)],
        "socket": [("SCMP_CMP_EQ", family) for family in (1, 2, 10, 16)],
        "socketpair": [("SCMP_CMP_EQ", 1)],
        "personality": [("SCMP_CMP_EQ", value) for value in (0, 0x40000, 0xFFFFFFFF)],
    }


def test_names_are_listed_once() -> None:
    assert len(ALLOWED) == len(set(ALLOWED))


def test_names_are_names_of_system_calls() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("the kernel's headers are not installed")
    known = set(re.findall(r"__NR_(\w+)", header.read_text()))

    # Younger than the headers, or of another architecture.
    assert set(ALLOWED) - known <= {
        "cachestat",
        "fchmodat2",
        "futex_requeue",
        "futex_wait",
        "futex_wake",
        "map_shadow_stack",
        "mseal",
        "sync_file_range2",
    }
