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

put_seccomp() {
    cat >/tmp/sealrun-t/seccomp.json <<'PROFILE'
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
}

set -u
umask 077
export LC_ALL=C PATH=/usr/bin:/bin:/usr/sbin:/sbin
unset BASH_ENV ENV CDPATH
cd /

put() { # NAME: standard input becomes that file of the run directory, whole or not at all
    cat >"$directory/.$1.part" && mv -f -- "$directory/.$1.part" "$directory/$1"
}

# Whose processes count together, where that matters; see limits.sh.
processes=
# How the space that is written to is bounded; see space.sh.
space=

# What logged watches: DIRECTORY KIB FILES SECONDS for watch_size, any number of times, SECONDS for watch_time.
watched=()
watchers=()
seconds=

stop() { # REASON CODE
    printf '%s\n' "$1" | put reason
    exit "$2"
}

take_claim() {
    if ! mkdir -- "$directory/claim" 2>/dev/null; then
        # Nothing may be written here: the directory is another attempt's, or the portal's again.
        [[ -e $directory/claim ]] && exit 75
        exit 74
    fi
    printf '%s\n' "$token" >"$directory/claim/token" || stop node_unfit 74
}

clean() {
    if [[ -n ${child-} ]]; then kill -KILL -- "-$child" 2>/dev/null; fi
    end_watchers
    # A container may leave directories that even their owner cannot enter.
    chmod -R u+rwX -- "$scratch" 2>/dev/null
    rm -rf -- "$scratch"
}

end_watchers() {
    local watcher
    for watcher in ${watchers[@]+"${watchers[@]}"}; do
        kill -KILL -- "-$watcher"
        wait "$watcher"
    done 2>/dev/null
    watchers=()
}

make_scratch() {
    mkdir -- "$scratch" || stop node_unfit 74
    trap clean EXIT
    # Slurm is ending the job: leave without the marker that says the work is done.
    trap 'exit 143' TERM INT HUP
    mkdir -- "${scratch_directories[@]}" || stop node_unfit 74
}

check_digest() { # NAME FILE EXPECTED
    local seen
    seen=$(sha256sum <"$2") || stop node_unfit 74
    seen=${seen%% *}
    printf '%s %s %s\n' "$1" "$seen" "$3" >>"$directory/image.check"
    [[ $seen == "$3" ]] || stop image_changed 76
}

write_versions() {
    local apptainer_version slurm_version
    apptainer_version=$("${clean_environment[@]}" "$apptainer" version 2>/dev/null) || stop node_unfit 74
    [[ $(printf '%s\n' "$minimum" "${apptainer_version%%$'\n'*}" | sort -V | head -n 1) == "$minimum" ]] ||
        stop node_unfit 74
    # One word: distributions put their own in front of the number.
    slurm_version=$(srun --version 2>/dev/null)
    put versions <<END || stop node_unfit 74
apptainer ${apptainer_version%%$'\n'*}
kernel $(uname -r)
slurm ${slurm_version##* }
node ${SLURMD_NODENAME:-$(uname -n)}${processes:+
processes $processes}${space:+
space $space}
END
}

keep() { # NAME: standard input goes to that file; of a long one its start and its end, where errors are
    {
        head -c "$((log_limit / 2))"
        tail -c "$((log_limit / 2))"
    } >"$directory/$1"
}

watch_size() { # GROUP DIRECTORY KIB FILES SECONDS: ends the processes that fill a directory
    local used files
    # It ends with the script, also with one that was killed and could end nothing.
    while sleep "$5" && kill -0 "$$"; do
        # Nobody hides what they fill by shutting its directory; the outer ones are opened first, and each from
        # the one that it is in, as no path may be long enough.
        find "$2" -type d ! -perm -u=rx -execdir chmod u+rx -- {} \; 2>/dev/null
        # What vanishes while du looks is no reason to stop looking.
        used=$(du -sk -- "$2")
        files=$(du -s --inodes -- "$2")
        used=${used%%[!0-9]*} files=${files%%[!0-9]*}
        if ((${used:-0} > $3 || ${files:-0} > $4)); then
            : >"$scratch/too_large"
            kill -KILL -- "-$1"
        fi
    done
}

watch_time() { # GROUP SECONDS: ends the processes that take too long; they have nothing to save
    sleep "$2"
    : >"$scratch/too_late"
    kill -KILL -- "-$1"
}

watch() { # COMMAND...: in the background, in a group of its own so that it can be ended whole
    set -m
    "$@" </dev/null >/dev/null 2>&1 &
    watchers+=("$!")
    set +m
}

logged() { # OUT ERR COMMAND...: sets code; the command cannot signal the script
    local out=$1 err=$2 keepers place
    shift 2
    mkfifo -- "$scratch/out" "$scratch/err" || never_ran node_unfit 74
    keep "$out" <"$scratch/out" &
    keepers=$!
    keep "$err" <"$scratch/err" &
    keepers+=" $!"
    # With job control the command has a process group of its own: a container's kill(0, ...) reaches
    # the whole group, also the part of it that is outside.
    set -m
    "$@" </dev/null >"$scratch/out" 2>"$scratch/err" &
    child=$!
    set +m
    for ((place = 0; place < ${#watched[@]}; place += 4)); do
        watch watch_size "$child" "${watched[@]:place:4}"
    done
    if [[ -n $seconds ]]; then watch watch_time "$child" "$seconds"; fi
    # Bash would tell Slurm's log which signal ended the command.
    wait "$child" 2>/dev/null
    code=$?
    child=
    end_watchers
    rm -f -- "$scratch/out" "$scratch/err"
    expect_end "$keepers"
    [[ -e $scratch/unlimited ]] && never_ran isolation_unavailable 77
    # The node had no process or no namespace left: nothing of the command has run.
    [[ -f $scratch/reached ]] || never_ran node_unfit 74
    rm -f -- "$scratch/reached"
}

never_ran() { # REASON CODE: the command was never reached, so that it has read nothing
    rm -f -- "$directory/started"
    stop "$1" "$2"
}

expect_end() { # PIDS: they end as soon as nothing holds the container's output open
    local pid try
    for pid in $1; do
        for ((try = 0; try < 1500; try++)); do
            kill -0 "$pid" 2>/dev/null || continue 2
            sleep 0.02
        done
        kill -KILL "$pid" 2>/dev/null
        stop left_behind 80
    done
}

finish() { # CODE
    printf '%s\n' "$1" | put exit || stop node_unfit 74
    trap - TERM INT HUP
    clean
    trap - EXIT
    [[ -e $scratch ]] && stop left_behind 80
    printf '%s\n' "$token" | put "done" || exit 74
    exit "$1"
}

own_namespace=(unshare --user --map-current-user --)

find_processes() { # whose count together: those of this run (apart), or all of the account's on the node (shared)
    # Linux counts them for each user namespace since 5.14. Where it does not, those of this script are too
    # many already for the one that is started here.
    # shellcheck disable=SC2016
    if "${own_namespace[@]}" /bin/bash -c 'ulimit -u 2 && exec timeout 60 true' >/dev/null 2>&1; then
        processes=apart
    else
        processes=shared
    fi
}

account_tasks() { # processes and threads of this account on the node
    local process tasks count=0
    for process in /proc/[0-9]*; do
        [[ -O $process ]] || continue
        tasks=("$process"/task/*)
        count=$((count + ${#tasks[@]}))
    done
    printf '%s\n' "$count"
}

hold_to() { # OPTION NUMBER: no more than that from here on; a stricter limit that is there already holds
    local now
    ulimit "$1" "$2" 2>/dev/null && return
    now=$(ulimit "$1")
    [[ $now != unlimited ]] && ((now <= $2))
}

limited() { # COMMAND...: not at all where a limit cannot be set
    if hold_to -c 0 && hold_to -f "$file_blocks"; then
        limited_in_number "$@"
    fi
    : >"$scratch/unlimited"
    exit 77
}

limited_in_number() { # COMMAND...: it is noted that the command was reached
    if [[ $processes == apart ]]; then
        # With how much the account has when the namespace is made, the kernel goes on counting outside.
        ulimit -Su "$(ulimit -Hu)"
        # shellcheck disable=SC2016
        exec "${own_namespace[@]}" /bin/bash -c "$(declare -f hold_to)"'
            if ! hold_to -u "$1"; then
                : >"$2/unlimited"
                exit 77
            fi
            : >"$2/reached" || exit 74
            shift 2
            exec "$@"' bash "$process_limit" "$scratch" "$@"
    elif hold_to -u "$(($(account_tasks) + process_limit))"; then
        : >"$scratch/reached" || exit 74
        exec "$@"
    fi
}

find_space() { # how space is bounded: by file systems of fixed size (fixed), or by looking at it (watched)
    space=watched
    [[ $disk == watched ]] && return
    if (try_space) >/dev/null 2>&1; then space=fixed; fi
    rm -f -- "$scratch/trial.ext4" "$scratch/work/trial"
    [[ $space == fixed || $disk == auto ]] || stop node_unfit 74
}

try_space() { # as large as the larger one will be, since the node may have limits of its own
    local kib=$scratch_kib
    if ((${output_kib:-0} > kib)); then kib=$output_kib; fi
    # shellcheck disable=SC2016
    make_space "$scratch/trial.ext4" "$kib" 100 &&
        inside_own_mounts 'mount_space "$scratch/trial.ext4" "$scratch/work" && : >"$scratch/work/trial"' &&
        [[ ! -e $scratch/work/trial ]]
}

make_space() { # IMAGE KIB FILES: a sparse image of a file system with so much room and so many inodes
    local options=(-q -F -t ext4 -b 4096 -m 0 -O "^has_journal,^resize_inode" -N "$(($3 + 16))")
    # Inodes and their tables are not the program's to fill.
    mke2fs "${options[@]}" -E "lazy_itable_init=1,nodiscard,root_owner=$(id -u):$(id -g)" \
        "$1" "$(($2 + $2 / 200 + $3 / 4 + 256))k" >/dev/null 2>&1 &&
        debugfs -w -R "rmdir lost+found" "$1" >/dev/null 2>&1
}

inside_own_mounts() { # SHELL ARGUMENT...: as root of a mount namespace, with what this script knows; all ends with it
    unshare --user --map-current-user --keep-caps --mount -- /bin/bash -c "$(declare -p "${known[@]}"; declare -f)
        set -u
        $1
        code=\$?
        kill -KILL \$(jobs -p) 2>/dev/null
        exit \$code" bash "${@:2}"
}

known=(scratch directory outputs output_kib output_files scratch_kib scratch_files file_blocks process_limit processes
    own_namespace)

mount_space() { # IMAGE PLACE: the kernel takes the room back when what serves it has ended, however that comes about
    local try
    fuse2fs -f "$1" "$2" </dev/null >/dev/null 2>&1 &
    for ((try = 0; try < 500; try++)); do
        # Until it was asked for, the kernel takes its owner for one who is unknown here, and refuses all writing.
        if mountpoint -q -- "$2" && [[ -O $2 ]]; then
            rm -f -- "$1"
            return
        fi
        kill -0 "$!" 2>/dev/null || return
        sleep 0.02
    done
    return 1
}

in_own_space() { # COMMAND...: with limits, and /tmp, /var/tmp and output on file systems of their own
    make_space "$scratch/work.ext4" "$scratch_kib" "$scratch_files" || exit 74
    if [[ -n $output_kib ]]; then
        make_space "$scratch/output.ext4" "$output_kib" "$output_files" || exit 74
    fi
    # shellcheck disable=SC2016
    inside_own_mounts 'run_in_own_space "$@"' "$@"
}

run_in_own_space() { # COMMAND...
    local code
    mount_space "$scratch/work.ext4" "$scratch/work" || exit 74
    if [[ -n $output_kib ]]; then
        # The directory below stays in reach by its descriptor.
        exec 9<"${outputs[0]}" || exit 74
        mount_space "$scratch/output.ext4" "${outputs[0]}" || exit 74
    fi
    (
        exec 9<&-
        limited "$@"
    )
    code=$?
    [[ -e $scratch/reached ]] || return "$code"
    # Whoever fails because there was no room left is told so.
    if [[ $code != 0 ]] && { is_full "$scratch/work" || is_full "${outputs[0]-/}"; }; then
        : >"$scratch/too_large"
    fi
    # What serves the files may have been killed for want of memory: that is the command's doing as well.
    if [[ -n $output_kib ]]; then
        keep_output "${outputs[0]}" || : >"$scratch/too_large"
    fi
    return "$code"
}

is_full() { # PLACE: less than a mebibyte, or no inode, is left of a file system of ours
    local blocks inodes
    mountpoint -q -- "$1" || return
    read -r blocks inodes < <(stat -f -c '%a %d' -- "$1")
    ((${blocks:-0} < 256 || ${inodes:-0} == 0))
}

keep_output() { # PLACE: the run directory gets what is there, if that is no more than may be
    local size kind left=$output_files bytes=$((output_kib * 1024 + 1023))
    cd -- "$1" || return
    # Deeper than the portal takes, and slow to look at.
    [[ -z $(find . -mindepth 33 -maxdepth 33 -print -quit 2>/dev/null) ]] || return
    chmod -R u-s,g-s,u+rwX,go-rwx -- . 2>/dev/null
    if [[ -n $(find . ! -type d ! -type f -print -quit) || -n $(find . -type f -links +1 -print -quit) ]]; then
        # As a link would be, for whoever judges; the names of one file could be more than fit anywhere.
        ln -s refused /proc/self/fd/9/refused
        return
    fi
    while read -r size kind; do
        left=$((left - 1))
        # Holes take no room here, but would there.
        if [[ $kind == f ]]; then bytes=$((bytes - size)); fi
        ((left >= 0 && bytes >= 0)) || return
    done < <(find . -mindepth 1 -printf '%s %y\n')
    cp -R --preserve=mode,timestamps -- . /proc/self/fd/9/
}

looks() { # DIRECTORY: one digest of the names, kinds, sizes and times in it; no file is read
    local seen
    seen=$(
        set -o pipefail
        cd -- "$1" 2>/dev/null &&
            find . \( -type d -printf 'd %T@ %P\0' \) -o -printf '%y %s %T@ %P\0' | sort -z | sha256sum
    ) || return 1
    printf '%s' "${seen%% *}"
}

# What the kernel counts for all of a node tells each container of the others: files stand in front of it that
# say what a program may want to know, and never change.

hide_counters() {
    local path file masks=()
    for path in "${hidden[@]}"; do
        [[ -e $path ]] || continue
        file=$scratch/hidden/${path//\//_}
        if [[ -d $path ]]; then
            mkdir -- "$file" || stop node_unfit 74
        else
            still "$path" >"$file" || stop node_unfit 74
        fi
        masks+=(--bind "$file:$path:ro")
        probe+=("hidden:$path")
    done
    copy_processors
    with_flags probe
    with_flags payload
}

with_flags() { # ARRAY: puts the masks behind the word exec of the command in it
    local -n command=$1
    local number
    for number in "${!command[@]}"; do
        [[ ${command[number]} == exec ]] || continue
        command=("${command[@]:0:number+1}" ${masks[@]+"${masks[@]}"} "${command[@]:number+1}")
        return
    done
    stop node_unfit 74
}

still() { # PATH: its text without anything that changes
    local key value unit total=0
    case $1 in
    /proc/loadavg) echo '0.00 0.00 0.00 1/1 1' ;;
    /proc/uptime)
        read -r value _ <"$1"
        echo "$value 0.00"
        ;;
    /proc/stat)
        while read -r key value; do
            case $key in
            cpu*) echo "$key 0 0 0 0 0 0 0 0 0 0" ;;
            btime) echo "$key $value" ;;
            *) echo "$key 0" ;;
            esac
        done <"$1"
        ;;
    /proc/meminfo)
        while read -r key value unit; do
            case $key in
            MemTotal:) total=$value ;;
            MemFree: | MemAvailable:) value=$total ;;
            Hugepagesize:) ;;
            *) value=0 ;;
            esac
            echo "$key $value${unit:+ $unit}"
        done <"$1"
        ;;
    esac
}

copy_processors() { # How many there are and how they lie is asked for by programs that make threads.
    (
        cd /sys/devices/system 2>/dev/null || exit 0
        mkdir -p -- "$scratch/sys/devices/system"
        cp --parents -- cpu/online cpu/possible cpu/present cpu/cpu[0-9]*/topology/* node/online \
            node/possible node/node[0-9]*/{cpulist,cpumap,distance} "$scratch/sys/devices/system"
    ) 2>/dev/null
    return 0
}

make_outputs() {
    local output
    for output in "${outputs[@]}"; do
        [[ -e $output ]] || mkdir -p -- "$output" || stop node_unfit 74
    done
}

look_at_data() {
    local place seen found=()
    ((${#data[@]})) || return 0
    for place in "${data[@]}"; do
        seen=$(looks "$place") || stop node_unfit 74
        found+=("$seen")
    done
    printf '%s\n' "${found[@]}" | put data || stop node_unfit 74
}

check_isolation() {
    local kind
    for kind in net pid ipc mnt; do
        probe+=("host:$(readlink "/proc/self/ns/$kind")")
    done
    logged probe.json probe.log confined timeout --kill-after=5 120 "${probe[@]}"
    [[ $code == 0 ]] || stop isolation_unavailable 77
}

mark_start() { # from here on whatever happens can be the program's doing, as it may have read the data
    printf '%s\n' "$token" | put started || stop node_unfit 74
}

confined() { # COMMAND...: within the limits of processes and of space
    if [[ $space == fixed ]]; then
        in_own_space "$@"
    else
        limited "$@"
    fi
}

tidy_outputs() {
    local output
    for output in "${outputs[@]}"; do
        # The scorer and the portal must be able to read it, and nobody may find a setuid file in it.
        chmod -R u-s,g-s,u+rwX,go-rwx -- "$output" 2>/dev/null
    done
}

never_started() { # Apptainer says 255 and why, before the container has said anything
    [[ $code == 255 && ! -s $directory/stdout.log && $(head -c 6 "$directory/stderr.log") == FATAL: ]]
}

take_claim
make_scratch
put_seccomp || stop node_unfit 74
find_processes
find_space
write_versions
check_digest probe "$probe_image" "$probe_sha256"
check_digest image "$image" "$image_sha256"
make_outputs
look_at_data
hide_counters
check_isolation
if [[ $space == watched ]]; then
    watched=("$scratch/work" "$scratch_kib" "$scratch_files" 5)
    if [[ -n $output_kib ]]; then watched+=("${outputs[0]}" "$output_kib" "$output_files" 5); fi
fi
if ((time_limit > 0)); then seconds=$time_limit; fi
mark_start
logged stdout.log stderr.log confined "${payload[@]}"
tidy_outputs
# A program that ended by itself in the same moment was in time.
[[ -e $scratch/too_late && $code == 137 ]] && stop time_limit 81
[[ -e $scratch/too_large ]] && stop output_limit 82
never_started && stop image_start 79
finish "$code"
