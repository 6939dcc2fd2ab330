"""The system call filter of every sealed container: what is not listed does not exist.

The profile that Apptainer ships answers EPERM to ``clone3``. glibc from 2.34 on takes that for a
final no, so that programs cannot start threads, and Apptainer itself crashes now and then between
loading the filter and starting the program. Apptainer cannot be made to answer ENOSYS: it ignores
``errnoRet``. The action *trace* does it: without a tracer the kernel answers ENOSYS. That makes a
system call which is younger than this list look like an old kernel, which programs are made for.

A tracer could let such a call through, and so could a second filter that asks a supervisor, as the
kernel ranks that above *trace*. So ``ptrace`` and ``seccomp`` are denied by error, which ranks above
both, and with them every call that is known to be dangerous. ``prctl`` can still add a filter, but
no supervisor.

What tells a container of others does not exist either: watches on files (``inotify``, and of ``fcntl``
leases and ``F_NOTIFY``), which pages of a file are in memory, and how full a file system is, which
also those on other nodes change.

Socket families besides local, IP and netlink do not exist. ``AF_VSOCK`` above all: a network
namespace does not stop it, and on a virtual machine it reaches the hypervisor.
"""

import json
from collections.abc import Iterable

_FILES = """
access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fdatasync fgetxattr
flistxattr flock fremovexattr fsetxattr fstat fsync ftruncate futimesat getcwd getdents
getdents64 getxattr ioctl lchown
lgetxattr link linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat mkdir mkdirat mknod
mknodat newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev
pwritev2 read readahead readlink readlinkat readv removexattr rename renameat renameat2 rmdir
sendfile setxattr splice stat statx symlink symlinkat sync sync_file_range sync_file_range2
syncfs tee truncate umask unlink unlinkat utime utimensat utimes vmsplice write writev
"""

_MEMORY = """
brk get_mempolicy madvise map_shadow_stack mbind membarrier memfd_create migrate_pages
mlock mlock2 mlockall mmap move_pages mprotect mremap mseal msync munlock munlockall munmap
pkey_alloc pkey_free pkey_mprotect process_madvise process_mrelease remap_file_pages set_mempolicy
set_mempolicy_home_node shmat shmctl shmdt shmget
"""

_PROCESSES = """
arch_prctl capget capset execve execveat exit exit_group fork get_robust_list get_thread_area getcpu
getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getresgid getresuid
getrlimit getrusage getsid gettid getuid ioprio_get ioprio_set kcmp kill landlock_add_rule
landlock_create_ruleset landlock_restrict_self pidfd_getfd pidfd_open pidfd_send_signal prctl
prlimit64 process_vm_readv process_vm_writev restart_syscall rseq rt_sigaction rt_sigpending
rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
sched_setscheduler sched_yield set_robust_list set_thread_area set_tid_address setfsgid
setfsuid setgid setgroups setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid
setuid sigaltstack sysinfo tgkill times tkill uname vfork wait4 waitid
"""

_WAITING = """
alarm clock_getres clock_gettime clock_nanosleep epoll_create epoll_create1 epoll_ctl epoll_pwait
epoll_pwait2 epoll_wait eventfd eventfd2 futex futex_requeue futex_wait futex_waitv futex_wake
getitimer getrandom gettimeofday io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit
nanosleep pause pipe pipe2 poll ppoll pselect6 select setitimer signalfd signalfd4 time timer_create
timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
timerfd_settime
"""

_TALKING = """
accept accept4 bind connect getpeername getsockname getsockopt listen mq_getsetattr mq_notify mq_open
mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd recvfrom recvmmsg recvmsg semctl
semget semop semtimedop sendmmsg sendmsg sendto setsockopt shutdown
"""

_DANGEROUS = """
acct add_key bpf chroot clock_adjtime clock_settime delete_module fanotify_init fanotify_mark
finit_module fsconfig fsmount fsopen fspick init_module io_uring_enter io_uring_register
io_uring_setup ioperm iopl kexec_file_load kexec_load keyctl lookup_dcookie mount mount_setattr
move_mount nfsservctl open_by_handle_at open_tree perf_event_open pivot_root ptrace quotactl
quotactl_fd reboot request_key seccomp setdomainname sethostname setns settimeofday swapoff swapon
syslog umount umount2 unshare userfaultfd vhangup
"""

ALLOWED = tuple(sorted(f"{_FILES} {_MEMORY} {_PROCESSES} {_WAITING} {_TALKING}".split()))
"""The system calls that are allowed whatever their arguments. Unknown names are skipped on old nodes."""

DENIED = tuple(_DANGEROUS.split())
"""The system calls that are answered with EPERM, whatever else is in force."""

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
_NEW_NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
# F_DUPFD to F_GETOWNER_UIDS, locks of open files, F_DUPFD_QUERY and all later ones: no F_SETLEASE, F_GETLEASE
# and F_NOTIFY, which tell of others that open a file.
_FCNTL = (*range(18), 36, 37, 38, *range(1027, 1042))
_SOCKET_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_PERSONALITIES = (0, 0x40000, 0xFFFFFFFF)  # Linux, without address randomisation, only asking


def profile() -> str:
    """Give the filter as the JSON that ``apptainer --security seccomp:FILE`` reads."""
    rules = [
        _rule("ALLOW", ALLOWED),
        _rule("ERRNO", DENIED),
        _rule("ALLOW", ["clone"], "MASKED_EQ", sum(_NEW_NAMESPACES), 0),
        *(_rule("ERRNO", ["clone"], "MASKED_EQ", flag, flag) for flag in _NEW_NAMESPACES),
        # The kernel reads 32 bits of the command, and the others may hold anything.
        *(_rule("ALLOW", ["fcntl"], "MASKED_EQ", 0xFFFFFFFF, number, index=1) for number in _FCNTL),
        _rule("ALLOW", ["socketpair"], "EQ", 1),
        *(_rule("ALLOW", ["socket"], "EQ", family) for family in _SOCKET_FAMILIES),
        *(_rule("ALLOW", ["personality"], "EQ", value) for value in _PERSONALITIES),
    ]
    lines = ",\n".join(json.dumps(rule) for rule in rules)
    return f'{{"defaultAction": "SCMP_ACT_TRACE", "syscalls": [\n{lines}\n]}}\n'


def _rule(
    action: str,
    names: Iterable[str],
    comparison: str = "",
    value: int = 0,
    masked: int = 0,
    *,
    index: int = 0,
) -> dict[str, object]:
    """Give a rule; a comparison is with one argument of the system call, the first if not another."""
    condition = {
        "index": index,
        "op": f"SCMP_CMP_{comparison}",
        "value": value,
        "valueTwo": masked,
    }
    return {
        "names": list(names),
        "action": f"SCMP_ACT_{action}",
        "args": [condition] if comparison else [],
    }
