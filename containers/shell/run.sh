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
        seen=$(looks "$place") || unfit "the directory $place cannot be read whole"
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
put_settings || stop node_unfit 74
find_processes
find_space
write_versions
check_image probe "$probe_image" "$probe_sha256"
check_image image "$image" "$image_sha256"
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
