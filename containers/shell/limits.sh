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
