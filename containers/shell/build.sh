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
