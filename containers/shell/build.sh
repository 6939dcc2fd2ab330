fail() { # REASON
    rm -f -- "$directory"/image.sif "$directory"/.image.sif.part "$directory"/image.sha256
    stop "$1" 78
}

# The signal SIGXFSZ, for a file beyond the limit.
file_too_large=25
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

proved() { # REASON CONTROL STEP...: what fails is the content's if the node does the like for what is known, and it fails again
    local reason=$1 control=$2 try
    shift 2
    for try in first second; do
        "$@"
        if [[ -e $scratch/too_large ]] || ((code == 128 + file_too_large)); then fail image_too_large; fi
        ((code == 0)) && return
        is_nodes_own && stop node_unfit 74
        [[ $try == second ]] || is_well "$control" || stop node_unfit 74
        tidy
    done
    fail "$reason"
}

is_nodes_own() { # whether the last command was ended from outside, or says that the node lacks something
    local line
    ((code > 128 && code <= 192)) && return
    while IFS= read -r line; do
        case ${line,,} in
        *"resource temporarily unavailable"* | *"cannot allocate memory"* | *"out of memory"*) return 0 ;;
        *"pthread_create failed"* | *"failed to create thread"* | *"failed to create new os thread"*) return 0 ;;
        *"no space left on device"* | *"out of space on output"* | *"disk quota exceeded"*) return 0 ;;
        *"too many open files"* | *"too many users"* | *"signal: killed"*) return 0 ;;
        *"input/output error"* | *"stale file handle"* | *"read-only file system"*) return 0 ;;
        *"transport endpoint is not connected"* | *"connection timed out"*) return 0 ;;
        esac
    done < <(tail -c 16384 -- "$directory/stderr.log")
    return 1
}

is_well() { # CONTROL: whether the same works for something known to be well; the logs stay those of the content
    mkdir -p -- "$scratch/kept" || stop node_unfit 74
    mv -- "$directory/stdout.log" "$directory/stderr.log" "$scratch/kept" || stop node_unfit 74
    tidy
    "$1"
    mv -f -- "$scratch/kept/stdout.log" "$scratch/kept/stderr.log" "$directory" || stop node_unfit 74
    [[ ! -e $scratch/too_large ]] && ((code == 0))
}

tidy() { # what a command that failed has left in the places that Apptainer works in
    chmod -R u+rwX -- "${scratch_directories[@]}" 2>/dev/null
    rm -rf -- "${scratch_directories[@]}"
    mkdir -- "${scratch_directories[@]}" || stop node_unfit 74
}

known_archive() { # an image of one empty file, as docker save writes it
    local at=$scratch/known layer
    rm -rf -- "$at"
    mkdir -p -- "$at/root" || stop node_unfit 74
    : >"$at/root/known"
    tar -cf "$at/layer.tar" -C "$at/root" . || stop node_unfit 74
    layer=$(sha256sum <"$at/layer.tar") || stop node_unfit 74
    printf '[{"Config":"config.json","RepoTags":[],"Layers":["layer.tar"]}]' >"$at/manifest.json"
    printf '{"architecture":"%s","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$(architecture)" "${layer%% *}" >"$at/config.json"
    tar -cf "$at/known.tar" -C "$at" manifest.json config.json layer.tar || stop node_unfit 74
    to_image "$at/known.sif" "docker-archive:$at/known.tar"
}

known_code() { # no files at all, laid over the same base
    local at=$scratch/known
    rm -rf -- "$at"
    mkdir -p -- "$at/submission" || stop node_unfit 74
    printf '%s' "$known_definition" >"$at/definition" || stop node_unfit 74
    to_image "$at/known.sif" "$at/definition"
}

to_image() { # FILE FROM: with the quickest gzip, as the best one takes six times as long for a tenth less; sets code
    rm -f -- "$1"
    attempted "$apptainer" --silent --nocolor build --disable-cache \
        --mksquashfs-args "-comp gzip -Xcompression-level 1" "$1" "$2"
    [[ $code != 0 || -f $1 ]] || code=1
}

build_image() { # CONTROL FROM
    proved build_failed "$1" to_image "$scratch/image.sif" "$2"
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
    command -v "$program" >/dev/null || unfit "there is no $program"
    archive=$scratch/archive.tar
    # shellcheck disable=SC2016
    proved build_failed known_archive attempted \
        /bin/bash -c '"$1" -dc <"$2" >"$3"' bash "$program" "$source" "$archive"
}

find_format() { # how Apptainer calls the kind of archive; docker save writes the marks of both; sets format and code
    local name members=0 docker='' oci=''
    # shellcheck disable=SC2016
    attempted /bin/bash -c 'tar -tf "$1" | head -n "$2" >"$3"' bash \
        "$archive" "$((member_limit + 1))" "$scratch/members"
    ((code == 0)) || return
    while IFS= read -r name; do
        members=$((members + 1))
        case ${name#./} in
        manifest.json) docker='docker-archive' ;;
        oci-layout) oci='oci-archive' ;;
        esac
    done <"$scratch/members"
    # Where somebody has looked at one of the two, it is that one.
    format=${layout:+$layout-archive}
    format=${format:-${docker:-$oci}}
    if [[ -z $format ]] || ((members > member_limit)); then code=1; fi
}

build_archive() {
    local format archive
    check_digest source "$source" "$source_sha256"
    uncompress
    proved build_failed known_archive find_format
    if [[ -n $chosen ]]; then choose; fi
    build_image known_archive "$format:$archive"
}

choose() { # of several images one, by a manifest that names no other; sets format and archive
    # Readers of archives differ in which of two entries of one name they take, and in how an image is named.
    local manifest=index.json
    [[ $format == oci-archive ]] || manifest=manifest.json
    proved build_failed known_archive unpack "$archive" "$scratch/several"
    chmod -R u+rwX -- "$scratch/several" || stop node_unfit 74
    rm -rf -- "$scratch/several/$manifest" || stop node_unfit 74
    printf '%s' "$chosen" >"$scratch/several/$manifest" || stop node_unfit 74
    if [[ $format == oci-archive ]]; then
        format=oci archive=$scratch/several
    else
        proved build_failed known_archive pack "$scratch/several" "$scratch/chosen.tar"
        archive=$scratch/chosen.tar
    fi
}

pack() { # DIRECTORY FILE: names without a dot in front, as not all readers see through it; sets code
    # shellcheck disable=SC2016
    attempted /bin/bash -c 'shopt -s dotglob && cd -- "$1" && tar -cf "$2" -- *' bash "$1" "$2"
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
    check_image base "$base" "$base_sha256"
    proved build_failed known_archive unpack "$source" "$scratch/submission"
    only_plain "$scratch/submission" || fail build_failed
    chmod -R u+rwX,go=rX,a-s -- "$scratch/submission" || stop node_unfit 74
    # By a link, as a definition file cannot quote the name of the base.
    ln -s -- "$base" "$scratch/base.sif" || stop node_unfit 74
    if [[ -n $wheelhouse ]]; then install_environment; fi
    printf '%s' "$definition" >"$scratch/definition" || stop node_unfit 74
    build_image known_code "$scratch/definition"
}

unpack() { # ARCHIVE DIRECTORY: sets code
    chmod -R u+rwX -- "$2" 2>/dev/null
    rm -rf -- "$2"
    mkdir -- "$2" || stop node_unfit 74
    attempted tar -xf "$1" -C "$2" --no-same-owner --no-same-permissions
}

install_environment() { # what is asked for, by pip in the base image, sealed off like any run
    [[ -d $wheelhouse ]] || unfit "there is no directory $wheelhouse"
    # The copy is what pip reads, so the copy is what is checked. It is not the submission's own file.
    cp -- "$requirements" "$scratch/requirements.txt" || stop node_unfit 74
    chmod a+r -- "$scratch/requirements.txt" || stop node_unfit 74
    check_digest requirements "$scratch/requirements.txt" "$requirements_sha256"
    put_settings || stop node_unfit 74
    proved environment known_environment run_pip
    only_plain "$scratch/environment" || fail environment
    chmod -R u+rwX,go=rX,a-s -- "$scratch/environment" || stop node_unfit 74
    head -c 1048576 -- "$scratch/environment/$lock" | put environment.lock || stop node_unfit 74
}

run_pip() { # sets code
    chmod -R u+rwX -- "$scratch/environment" 2>/dev/null
    rm -rf -- "$scratch/environment"
    mkdir -- "$scratch/environment" || stop node_unfit 74
    logged stdout.log stderr.log readable "${install[@]}"
}

known_environment() { # nothing at all; sets code
    mv -- "$scratch/requirements.txt" "$scratch/requirements.kept" || stop node_unfit 74
    : >"$scratch/requirements.txt"
    chmod a+r -- "$scratch/requirements.txt" || stop node_unfit 74
    run_pip
    mv -f -- "$scratch/requirements.kept" "$scratch/requirements.txt" || stop node_unfit 74
}

verify_signature() { # FILE: by one of the site's keys, of the part that is the system; sets code
    local key
    for key in "${signature_keys[@]}"; do
        printf '%s\n' "$key" >"$scratch/key.pem" || stop node_unfit 74
        attempted "$apptainer" --silent --nocolor verify --key "$scratch/key.pem" --sif-id "$system_part" "$1"
        ((code == 0)) && return
    done
}

take_sif() {
    local listing
    take "$source"
    # The copy is what is used, so the copy is what is checked.
    check_digest source "$directory/.image.sif.part" "$source_sha256"
    if ((${#signature_keys[@]})); then
        proved unsigned known_archive verify_signature "$directory/.image.sif.part"
    fi
    proved build_failed known_archive attempted \
        "$apptainer" --silent --nocolor sif list "$directory/.image.sif.part"
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
