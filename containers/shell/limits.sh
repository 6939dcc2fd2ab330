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
    # The kernel counts the whole account: other jobs of it on this node must not use up our share.
    if hold_to -c 0 && hold_to -f "$file_blocks" && hold_to -u "$(($(account_tasks) + process_limit))"; then
        exec "$@"
    fi
    : >"$scratch/unlimited"
    exit 77
}
