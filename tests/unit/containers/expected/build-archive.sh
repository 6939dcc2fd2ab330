#!/bin/bash
# An image build, written by Sealrun.

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
kind=archive
source=/shared/code.tar
source_sha256=cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
base=''
base_sha256=''
definition='Bootstrap: localimage
From: /tmp/sealrun-t/base.sif

%files
    /tmp/sealrun-t/submission/. /submission
'
wheelhouse=''
requirements=''
requirements_sha256=''
lock=requirements.lock
signature_keys=(
)
system_part=''
install=(
)
size_limit=21474836480
file_blocks=62914560
unpacked_kib=62914560
unpacked_files=1000000
process_limit=4096
member_limit=4096

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

fail() { # REASON
    rm -f -- "$directory"/image.sif "$directory"/.image.sif.part "$directory"/image.sha256
    stop "$1" 78
}

no_network=(unshare --user --map-root-user --net --)

require_no_network() {
    local inside
    # shellcheck disable=SC2016
    inside=$("${clean_environment[@]}" "${no_network[@]}" /bin/bash -c 'while IFS=: read -r name _; do
        [[ $name == *"|"* ]] || printf "%s" "${name// /}"
    done </proc/net/dev')
    [[ $inside == lo ]] || stop isolation_unavailable 77
}

readable() { # COMMAND...: whoever the container runs as must be able to read the image
    umask 022
    limited "$@"
}

attempted() { # COMMAND...: in the logs, with limits; sets code
    logged stdout.log stderr.log readable "${clean_environment[@]}" "${no_network[@]}" "$@"
}

converted() { # COMMAND...: in the logs, with limits; a failure is the submission's
    attempted "$@"
    [[ -e $scratch/too_large ]] && fail image_too_large
    [[ $code == 0 ]] || fail build_failed
}

build_image() { # FROM: with the quickest gzip, as the best one takes six times as long for a tenth less
    converted "$apptainer" --silent --nocolor build --disable-cache \
        --mksquashfs-args "-comp gzip -Xcompression-level 1" "$scratch/image.sif" "$1"
    [[ -f $scratch/image.sif ]] || fail build_failed
    take "$scratch/image.sif"
}

take() { # FILE: a copy in the run directory is what will be the image
    (($(stat -c %s -- "$1") <= size_limit)) || fail image_too_large
    cp -- "$1" "$directory/.image.sif.part" || stop node_unfit 74
}

uncompress() { # sets archive; Apptainer takes no compressed ones
    local program
    case $(head -c 6 -- "$source" | od -An -tx1 | tr -d ' ') in
    1f8b*) program=gzip ;;
    425a68*) program=bzip2 ;;
    fd377a585a00) program=xz ;;
    *)
        archive=$source
        return
        ;;
    esac
    command -v "$program" >/dev/null || stop node_unfit 74
    archive=$scratch/archive.tar
    # shellcheck disable=SC2016
    converted /bin/bash -c '"$1" -dc <"$2" >"$3"' bash "$program" "$source" "$archive"
}

transport() { # how Apptainer calls the kind of archive; docker save writes the marks of both
    local name members=0 docker='' oci=''
    while IFS= read -r name; do
        members=$((members + 1))
        case ${name#./} in
        manifest.json) docker='docker-archive' ;;
        oci-layout) oci='oci-archive' ;;
        esac
    done < <(tar -tf "$archive" 2>/dev/null | head -n "$((member_limit + 1))")
    ((members <= member_limit)) && printf '%s' "${docker:-$oci}"
}

build_archive() {
    local format archive
    check_digest source "$source" "$source_sha256"
    uncompress
    format=$(transport)
    [[ -n $format ]] || fail build_failed
    build_image "$format:$archive"
}

only_plain() { # whether there are only directories and regular files below DIRECTORY
    local entry
    shopt -s globstar dotglob nullglob
    for entry in "$1"/**; do
        [[ ! -L $entry && (-d $entry || -f $entry) ]] || return 1
    done
}

build_code() {
    check_digest source "$source" "$source_sha256"
    check_digest base "$base" "$base_sha256"
    mkdir -- "$scratch/submission" || stop node_unfit 74
    converted tar -xf "$source" -C "$scratch/submission" --no-same-owner --no-same-permissions
    only_plain "$scratch/submission" || fail build_failed
    chmod -R u+rwX,go=rX,a-s -- "$scratch/submission" || stop node_unfit 74
    # By a link, as a definition file cannot quote the name of the base.
    ln -s -- "$base" "$scratch/base.sif" || stop node_unfit 74
    if [[ -n $wheelhouse ]]; then install_environment; fi
    printf '%s' "$definition" >"$scratch/definition" || stop node_unfit 74
    build_image "$scratch/definition"
}

install_environment() { # what is asked for, by pip in the base image, sealed off like any run
    [[ -d $wheelhouse ]] || stop node_unfit 74
    # The copy is what pip reads, so the copy is what is checked. It is not the submission's own file.
    cp -- "$requirements" "$scratch/requirements.txt" || stop node_unfit 74
    chmod a+r -- "$scratch/requirements.txt" || stop node_unfit 74
    check_digest requirements "$scratch/requirements.txt" "$requirements_sha256"
    put_seccomp || stop node_unfit 74
    mkdir -- "$scratch/environment" || stop node_unfit 74
    logged stdout.log stderr.log readable "${install[@]}"
    [[ -e $scratch/too_large ]] && fail image_too_large
    [[ $code == 0 ]] || fail environment
    only_plain "$scratch/environment" || fail environment
    chmod -R u+rwX,go=rX,a-s -- "$scratch/environment" || stop node_unfit 74
    head -c 1048576 -- "$scratch/environment/$lock" | put environment.lock || stop node_unfit 74
}

verify_signature() { # by one of the site's keys, of the part that is the system, where it asks for that
    local key
    ((${#signature_keys[@]})) || return 0
    for key in "${signature_keys[@]}"; do
        printf '%s\n' "$key" >"$scratch/key.pem" || stop node_unfit 74
        attempted "$apptainer" --silent --nocolor verify --key "$scratch/key.pem" --sif-id "$system_part" "$1"
        [[ $code == 0 ]] && return
    done
    fail unsigned
}

take_sif() {
    local listing
    take "$source"
    # The copy is what is used, so the copy is what is checked.
    check_digest source "$directory/.image.sif.part" "$source_sha256"
    verify_signature "$directory/.image.sif.part"
    converted "$apptainer" --silent --nocolor sif list "$directory/.image.sif.part"
    listing=$(head -c 65536 "$directory/stdout.log")
    [[ $listing == *"|FS (Squashfs/*System/$(architecture))"* ]] || fail build_failed
    [[ ${listing#*"|FS ("} != *"|FS ("* ]] || fail build_failed
}

architecture() { # the node's, as image formats spell it
    case $(uname -m) in
    x86_64) printf amd64 ;;
    aarch64) printf arm64 ;;
    *) uname -m ;;
    esac
}

publish() {
    local part=$directory/.image.sif.part seen
    seen=$(sha256sum <"$part") || stop node_unfit 74
    mv -f -- "$part" "$directory/image.sif" || stop node_unfit 74
    printf '%s\n' "${seen%% *}" | put image.sha256 || stop node_unfit 74
}

take_claim
make_scratch
find_processes
write_versions
require_no_network
watched=("$scratch" "$unpacked_kib" "$unpacked_files" 1)
case $kind in
archive) build_archive ;;
sif) take_sif ;;
code) build_code ;;
esac
publish
finish 0
