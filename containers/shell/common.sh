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

unfit() { # WORDS: what the node lacks, for whoever runs the site: nothing else has said it
    printf 'sealrun: %s\n' "$1" >&2
    stop node_unfit 74
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
    compare "$1" "${seen%% *}" "$3" computed
}

compare() { # NAME SEEN EXPECTED HOW: a digest with the one that is recorded
    printf '%s %s %s %s\n' "$@" >>"$directory/image.check"
    [[ $2 == "$3" ]] || stop image_changed 76
}

write_versions() {
    local apptainer_version slurm_version
    apptainer_version=$("${clean_environment[@]}" "$apptainer" version 2>/dev/null) || unfit "$apptainer does not start"
    [[ $(printf '%s\n' "$minimum" "${apptainer_version%%$'\n'*}" | sort -V | head -n 1) == "$minimum" ]] ||
        unfit "Apptainer ${apptainer_version%%$'\n'*} is older than $minimum"
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
