records() { # one for each directory, link and file, in the order of their bytes
    {
        find . -mindepth 1 -type d -printf 'd %P\0' &&
            # No part of a path is empty, so that the first two slashes in a row end it.
            find . -type l -printf 'l %P//%l\0' &&
            find . -type f -printf '%P\0' | xargs -0 -r sha256sum -z --
    } | sort -z
}

sizes() { # number and bytes of the files
    local size number=0 bytes=0
    while read -r size; do
        number=$((number + 1)) bytes=$((bytes + size))
    done
    printf '%s %s\n' "$number" "$bytes"
}

take_claim
make_scratch
write_versions
set -o pipefail
cd -- "$data" 2>/dev/null || unfit "the directory $data cannot be entered"
before=$(looks .) || stop node_unfit 74
# A pipe or a device has no content that could be read again.
[[ -z $(find . ! -type f ! -type d ! -type l -print -quit) ]] || stop data_strange 83
records | put manifest || stop node_unfit 74
found=$(find . -type f -printf '%s\n' | sizes) || stop node_unfit 74
[[ $(looks .) == "$before" ]] || stop data_changed 84
printf '%s %s\n' "$before" "$found" | put measured || stop node_unfit 74
cd /
finish 0
