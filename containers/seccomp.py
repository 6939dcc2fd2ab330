"""The system call filter of every sealed container: what is not listed does not exist.

The profile that Apptainer ships answers EPERM to ``clone3``. glibc from 2.34 on takes that for a
final no, so that programs cannot start threads, and Apptainer itself crashes now and then between
loading the filter and starting the program. Apptainer cannot be told to answer ENOSYS: it ignores
``errnoRet``. The action *trace* does it: without a tracer the kernel answers ENOSYS, and there can
be no tracer, as ``ptrace`` is not on the list. ENOSYS also makes a system call that is younger than
this list look like an old kernel, which programs are made for.

Left out with intent: new namespaces (``unshare``, ``setns``, ``clone`` with a namespace flag), all of
mounting, ``ptrace``, ``bpf``, ``io_uring_*``, ``userfaultfd``, ``perf_event_open``, the keyrings, modules,
clocks, and socket families besides local, IP and netlink. ``AF_VSOCK`` above all: a network namespace
does not stop it, and on a virtual machine it reaches the hypervisor.
"""

import json

_FILES = """
access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr
flistxattr flock fremovexattr fsetxattr fstat fstatfs fsync ftruncate futimesat getcwd getdents
getdents64 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lchown
lgetxattr link linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat mkdir mkdirat mknod
mknodat name_to_handle_at newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev
pwritev2 read readahead readlink readlinkat readv removexattr rename renameat renameat2 rmdir
sendfile setxattr splice stat statfs statx symlink symlinkat sync sync_file_range sync_file_range2
syncfs tee truncate umask unlink unlinkat utime utimensat utimes vmsplice write writev
"""

_MEMORY = """
brk cachestat get_mempolicy madvise map_shadow_stack mbind membarrier memfd_create migrate_pages
mincore mlock mlock2 mlockall mmap move_pages mprotect mremap mseal msync munlock munlockall munmap
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
sched_setscheduler sched_yield seccomp set_robust_list set_thread_area set_tid_address setfsgid
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

ALLOWED = tuple(sorted(f"{_FILES} {_MEMORY} {_PROCESSES} {_WAITING} {_TALKING}".split()))
"""The system calls that are allowed whatever their arguments. Unknown names are skipped on old nodes."""

_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET
_SOCKET_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_PERSONALITIES = (0, 0x40000, 0xFFFFFFFF)  # Linux, without address randomisation, only asking


def _allow(*names: str, index: int = 0, op: str = "", value: int = 0) -> dict[str, object]:
    condition = {"index": index, "op": op, "value": value, "valueTwo": 0}
    return {
        "names": list(names),
        "action": "SCMP_ACT_ALLOW",
        "args": [condition] if op else [],
    }


def profile() -> str:
    """Give the filter as the JSON that ``apptainer --security seccomp:FILE`` reads."""
    rules = [
        _allow(*ALLOWED),
        _allow("clone", op="SCMP_CMP_MASKED_EQ", value=_NEW_NAMESPACES),
        _allow("socketpair", op="SCMP_CMP_EQ", value=1),
        *(_allow("socket", op="SCMP_CMP_EQ", value=family) for family in _SOCKET_FAMILIES),
        *(_allow("personality", op="SCMP_CMP_EQ", value=value) for value in _PERSONALITIES),
    ]
    lines = ",\n".join(json.dumps(rule) for rule in rules)
    return f'{{"defaultAction": "SCMP_ACT_TRACE", "syscalls": [\n{lines}\n]}}\n'
