#!/bin/bash
# A sealed run, written by Sealrun.

directory='/shared/runs/1 a'
token=t
scratch=/tmp/sealrun-t
scratch_directories=(
    /tmp/sealrun-t/work
    /tmp/sealrun-t/temporary
    /tmp/sealrun-t/cache
    /tmp/sealrun-t/settings
    /tmp/sealrun-t/hidden
    /tmp/sealrun-t/sys
)
log_limit=1048576
apptainer=/usr/bin/apptainer
minimum=1.0
clean_environment=(
    /usr/bin/env
    -i
    PATH=/usr/bin:/bin:/usr/sbin:/sbin
    LC_ALL=C
    APPTAINER_TMPDIR=/tmp/sealrun-t/temporary
    APPTAINER_CACHEDIR=/tmp/sealrun-t/cache
    APPTAINER_CONFIGDIR=/tmp/sealrun-t/settings
)
file_blocks=2097152
process_limit=4096
time_limit=0
output_kib=''
output_files=100000
scratch_kib=16777216
scratch_files=1000000
disk=auto
image='/shared/images/a b.sif'
image_sha256=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
probe_image=/shared/images/probe.sif
probe_sha256=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
outputs=(
    /shared/run/output
)
data=(
)
hidden=(
    /proc/stat
    /proc/meminfo
    /proc/loadavg
    /proc/uptime
    /proc/vmstat
    /proc/diskstats
    /proc/interrupts
    /proc/softirqs
    /proc/schedstat
    /proc/buddyinfo
    /proc/zoneinfo
    /proc/pagetypeinfo
    /proc/slabinfo
    /proc/locks
    /proc/key-users
    /proc/keys
    /proc/timer_list
    /proc/sched_debug
    /proc/modules
    /proc/cgroups
    /proc/swaps
    /proc/mdstat
    /proc/latency_stats
    /proc/pressure
    /proc/fs
    /proc/spl
    /proc/sys/fs/file-nr
    /proc/sys/fs/inode-nr
    /proc/sys/fs/inode-state
    /proc/sys/fs/dentry-state
    /proc/sys/fs/aio-nr
    /proc/sys/fs/quota
    /proc/sys/fs/xfs
    /proc/sys/kernel/pty/nr
    /proc/sys/kernel/random/entropy_avail
)
verified=(
    /run/sealrun
    /var/tmp
)
probe=(
    /usr/bin/env
    -i
    PATH=/usr/bin:/bin:/usr/sbin:/sbin
    LC_ALL=C
    APPTAINER_TMPDIR=/tmp/sealrun-t/temporary
    APPTAINER_CACHEDIR=/tmp/sealrun-t/cache
    APPTAINER_CONFIGDIR=/tmp/sealrun-t/settings
    APPTAINERENV_APPTAINER_BIND=
    APPTAINERENV_APPTAINER_CONTAINER=
    APPTAINERENV_APPTAINER_NAME=
    APPTAINERENV_SINGULARITY_BIND=
    APPTAINERENV_SINGULARITY_CONTAINER=
    APPTAINERENV_SINGULARITY_NAME=
    APPTAINERENV_SEALRUN_INPUT=/input
    'APPTAINERENV_SEALRUN_TASK=a,b '"'"'c'"'"'
$(id)'
    /usr/bin/apptainer
    --silent
    --nocolor
    exec
    --containall
    --no-home
    --home
    /tmp
    --no-eval
    --no-privs
    --drop-caps
    all
    --net
    --network
    none
    --no-mount
    hostfs,bind-paths,cwd,sys
    --bind
    /tmp/sealrun-t/sys:/sys:ro
    --bind
    /tmp/sealrun-t/language.sh:/.singularity.d/env/97-sealrun-language.sh:ro
    --workdir
    /tmp/sealrun-t/work
    --security
    seccomp:/tmp/sealrun-t/seccomp.json
    --bind
    /data/cells:/input:ro
    --bind
    /shared/run/output:/output:rw
    --pwd
    /output
    /shared/images/probe.sif
    /probe
    ro:/input
    rw:/output
    hidden:/sys
)
payload=(
    /usr/bin/env
    -i
    PATH=/usr/bin:/bin:/usr/sbin:/sbin
    LC_ALL=C
    APPTAINER_TMPDIR=/tmp/sealrun-t/temporary
    APPTAINER_CACHEDIR=/tmp/sealrun-t/cache
    APPTAINER_CONFIGDIR=/tmp/sealrun-t/settings
    APPTAINERENV_APPTAINER_BIND=
    APPTAINERENV_APPTAINER_CONTAINER=
    APPTAINERENV_APPTAINER_NAME=
    APPTAINERENV_SINGULARITY_BIND=
    APPTAINERENV_SINGULARITY_CONTAINER=
    APPTAINERENV_SINGULARITY_NAME=
    APPTAINERENV_SEALRUN_INPUT=/input
    'APPTAINERENV_SEALRUN_TASK=a,b '"'"'c'"'"'
$(id)'
    /usr/bin/apptainer
    --silent
    --nocolor
    exec
    --containall
    --no-home
    --home
    /tmp
    --no-eval
    --no-privs
    --drop-caps
    all
    --net
    --network
    none
    --no-mount
    hostfs,bind-paths,cwd,sys
    --bind
    /tmp/sealrun-t/sys:/sys:ro
    --bind
    /tmp/sealrun-t/language.sh:/.singularity.d/env/97-sealrun-language.sh:ro
    --workdir
    /tmp/sealrun-t/work
    --security
    seccomp:/tmp/sealrun-t/seccomp.json
    --bind
    /data/cells:/input:ro
    --bind
    /shared/run/output:/output:rw
    --pwd
    /output
    '/shared/images/a b.sif'
    /app/predict
    --fast
    'it'"'"'s'
)

put_settings() {
    cat >/tmp/sealrun-t/seccomp.json <<'PROFILE' || return
{"defaultAction": "SCMP_ACT_TRACE", "syscalls": [
{"names": ["accept", "accept4", "access", "alarm", "arch_prctl", "bind", "brk", "capget", "capset", "chdir", "chmod", "chown", "clock_getres", "clock_gettime", "clock_nanosleep", "close", "close_range", "connect", "copy_file_range", "creat", "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "execve", "execveat", "exit", "exit_group", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "fdatasync", "fgetxattr", "flistxattr", "flock", "fork", "fremovexattr", "fsetxattr", "fstat", "fsync", "ftruncate", "futex", "futex_requeue", "futex_wait", "futex_waitv", "futex_wake", "futimesat", "get_mempolicy", "get_robust_list", "get_thread_area", "getcpu", "getcwd", "getdents", "getdents64", "getegid", "geteuid", "getgid", "getgroups", "getitimer", "getpeername", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "getsockname", "getsockopt", "gettid", "gettimeofday", "getuid", "getxattr", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents", "io_setup", "io_submit", "ioctl", "ioprio_get", "ioprio_set", "kcmp", "kill", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "lchown", "lgetxattr", "link", "linkat", "listen", "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "madvise", "map_shadow_stack", "mbind", "membarrier", "memfd_create", "migrate_pages", "mkdir", "mkdirat", "mknod", "mknodat", "mlock", "mlock2", "mlockall", "mmap", "move_pages", "mprotect", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink", "mremap", "mseal", "msgctl", "msgget", "msgrcv", "msgsnd", "msync", "munlock", "munlockall", "munmap", "nanosleep", "newfstatat", "open", "openat", "openat2", "pause", "pidfd_getfd", "pidfd_open", "pidfd_send_signal", "pipe", "pipe2", "pkey_alloc", "pkey_free", "pkey_mprotect", "poll", "ppoll", "prctl", "pread64", "preadv", "preadv2", "prlimit64", "process_madvise", "process_mrelease", "process_vm_readv", "process_vm_writev", "pselect6", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "recvfrom", "recvmmsg", "recvmsg", "remap_file_pages", "removexattr", "rename", "renameat", "renameat2", "restart_syscall", "rmdir", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "select", "semctl", "semget", "semop", "semtimedop", "sendfile", "sendmmsg", "sendmsg", "sendto", "set_mempolicy", "set_mempolicy_home_node", "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsuid", "setgid", "setgroups", "setitimer", "setpgid", "setpriority", "setregid", "setresgid", "setresuid", "setreuid", "setrlimit", "setsid", "setsockopt", "setuid", "setxattr", "shmat", "shmctl", "shmdt", "shmget", "shutdown", "sigaltstack", "signalfd", "signalfd4", "splice", "stat", "statx", "symlink", "symlinkat", "sync", "sync_file_range", "sync_file_range2", "syncfs", "sysinfo", "tee", "tgkill", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime", "timerfd_settime", "times", "tkill", "truncate", "umask", "uname", "unlink", "unlinkat", "utime", "utimensat", "utimes", "vfork", "vmsplice", "wait4", "waitid", "write", "writev"], "action": "SCMP_ACT_ALLOW", "args": []},
{"names": ["acct", "add_key", "bpf", "chroot", "clock_adjtime", "clock_settime", "delete_module", "fanotify_init", "fanotify_mark", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "mount", "mount_setattr", "move_mount", "nfsservctl", "open_by_handle_at", "open_tree", "perf_event_open", "pivot_root", "ptrace", "quotactl", "quotactl_fd", "reboot", "request_key", "seccomp", "setdomainname", "sethostname", "setns", "settimeofday", "swapoff", "swapon", "syslog", "umount", "umount2", "unshare", "userfaultfd", "vhangup"], "action": "SCMP_ACT_ERRNO", "args": []},
{"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": 2114060288, "valueTwo": 0}]},
{"names": ["clone"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": 131072, "valueTwo": 131072}]},
{"names": ["clone"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": 33554432, "valueTwo": 33554432}]},
{"names": ["clone"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": 67108864, "valueTwo": 67108864}]},
{"names": ["clone"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": 134217728, "valueTwo": 134217728}]},
{"names": ["clone"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": 268435456, "valueTwo": 268435456}]},
{"names": ["clone"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": 536870912, "valueTwo": 536870912}]},
{"names": ["clone"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": 1073741824, "valueTwo": 1073741824}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 0}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 2}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 3}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 4}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 5}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 6}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 7}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 8}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 9}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 10}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 11}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 12}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 13}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 14}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 15}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 16}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 17}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 36}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 37}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 38}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1027}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1028}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1029}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1030}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1031}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1032}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1033}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1034}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1035}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1036}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1037}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1038}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1039}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1040}]},
{"names": ["fcntl"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "op": "SCMP_CMP_MASKED_EQ", "value": 4294967295, "valueTwo": 1041}]},
{"names": ["socketpair"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 1, "valueTwo": 0}]},
{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 1, "valueTwo": 0}]},
{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 2, "valueTwo": 0}]},
{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 10, "valueTwo": 0}]},
{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 16, "valueTwo": 0}]},
{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 0, "valueTwo": 0}]},
{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 262144, "valueTwo": 0}]},
{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 4294967295, "valueTwo": 0}]}
]}
PROFILE
    cat >/tmp/sealrun-t/language.sh <<'LANGUAGE'
# Apptainer reads this inside, after all that the image sets and before what the run sets.
export LANG="${LANG:-C.UTF-8}"
# Without Apptainer's own files in the image, nothing else would read what the run sets.
test -f /.singularity.d/env/99-base.sh || source /.inject-apptainer-env.sh
LANGUAGE
}
