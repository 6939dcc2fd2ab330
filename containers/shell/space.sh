find_space() { # how space is bounded: by file systems of fixed size (fixed), or by looking at it (watched)
    space=watched
    [[ $disk == watched ]] && return
    if (try_space) >/dev/null 2>&1; then space=fixed; fi
    rm -f -- "$scratch/trial.ext4" "$scratch/work/trial"
    [[ $space == fixed || $disk == auto ]] || unfit "no file system of fixed size can be made (mke2fs, fuse2fs, /dev/fuse)"
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
    # Whoever fails because there was no room left is shown so.
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
    # Links are copied as what they are: whoever judges leaves them out, and says so.
    if [[ -n $(find . ! -type d ! -type f ! -type l -print -quit) || -n $(find . -type f -links +1 -print -quit) ]]; then
        # For whoever judges, as those would be; the names of one file could be more than fit anywhere.
        mkfifo -- /proc/self/fd/9/refused
        return
    fi
    while read -r size kind; do
        left=$((left - 1))
        # Holes take no room here, but would there.
        if [[ $kind == f ]]; then bytes=$((bytes - size)); fi
        ((left >= 0 && bytes >= 0)) || return
    done < <(find . -mindepth 1 -printf '%s %y\n')
    cp -R -P --preserve=mode,timestamps -- . /proc/self/fd/9/
}
