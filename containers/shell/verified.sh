# An image whose digest was computed on this node is not read again while the file system says that its file is the
# same. Its time of change (ctime) is what counts: no process without privileges can set it.

# Days that it is believed, files that are kept, and seconds that a file must have been at rest.
verified_days=7 verified_most=1000 verified_rest=3

check_image() { # NAME FILE EXPECTED: as check_digest does, once on each node
    check_open_image "$1" "$3" <"$2" || stop node_unfit 74
}

check_open_image() { # NAME EXPECTED, the image at standard input: what is compared is what was opened
    local found seen=$2 how=known
    found=$(identity) || return
    if ! is_known "$2" "$found"; then
        seen=$(sha256sum) || return
        seen=${seen%% *} how=computed
        if [[ $seen == "$2" && $(identity) == "$found" ]] && can_be_known "$found"; then
            remember "$2" "$found"
        fi
    fi
    compare "$1" "$seen" "$2" "$how"
}

identity() { # of the file at standard input, on this node since it was started: device numbers change when it is
    printf '%s %s ' "${SLURMD_NODENAME:-$(uname -n)}" "$(</proc/sys/kernel/random/boot_id)" &&
        stat -c '%d %i %s %.9Y %.9Z' -
}

can_be_known() { # IDENTITY of the file at standard input
    local changed=${1##* } now
    # Of others it is not known who sets the time of change.
    case $(stat -f -c %T -- /proc/self/fd/0) in
    ext2/ext3 | xfs | btrfs | zfs | f2fs | tmpfs | overlayfs | nfs | lustre | gpfs | ceph | fhgfs) ;;
    *) return 1 ;;
    esac
    # What is written in the same moment has the same time. The storage has a clock of its own: this is of the start.
    now=$(stat -c %Y -- "$directory/claim/token") && ((now - ${changed%.*} >= verified_rest))
}

enter_verified() { # the directory of this account; none that another could have put there, or can write to
    local place name=sealrun-verified-$EUID
    for place in "${verified[@]}"; do
        keeps_names "$place" || continue
        mkdir -- "$place/$name"
        # By no link on the way, and what was entered is what is looked at.
        cd -P -- "$place/$name" && [[ $PWD == "$place/$name" && -O . ]] && is_private . && return
    done
    return 1
}

is_private() { # DIRECTORY: nobody but its owner can do anything in it
    local mode
    mode=$(stat -c %a -- "$1") && ((!(8#$mode & 8#77)))
}

is_known() ( # DIGEST IDENTITY
    enter_verified || exit
    find . -mindepth 1 -mmin "+$((verified_days * 24 * 60))" -delete
    shopt -s dotglob nullglob
    files=(*)
    if ((${#files[@]} > verified_most)); then find . -mindepth 1 -delete; fi
    [[ -f $1 && ! -L $1 && -O $1 && $(head -c 512 -- "$1") == "$2" ]]
) 2>/dev/null

remember() ( # DIGEST IDENTITY
    enter_verified || exit
    set -o noclobber
    printf '%s\n' "$2" >".$1.$token.part" && mv -f -- ".$1.$token.part" "$1"
) 2>/dev/null
