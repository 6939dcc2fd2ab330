#!/bin/sh
# The isolation probe. Runs from the site's own image with the flags of the run that follows, says as
# one JSON object what it sees, and exits 0 only if that is no more than it may see.
#
# Arguments: ro:TARGET or rw:TARGET for each bind, hidden:PATH for each file of the node that another stands
# in front of, host:KIND:[NUMBER] for each namespace of the node.

problems=
newline='
'

problem() {
    problems=$problems${problems:+, }\"$1\"
}

quoted() { # TEXT: as a JSON string
    rest=$1 text=
    while [ -n "$rest" ]; do
        next=${rest#?}
        char=${rest%"$next"}
        case $char in
        [\"\\]) text=$text\\$char ;;
        [[:cntrl:]] | [!\ -~]) text="$text?" ;;
        *) text=$text$char ;;
        esac
        rest=$next
    done
    printf '"%s"' "$text"
}

interfaces() {
    found=
    while IFS=: read -r name _; do
        case $name in *'|'*) continue ;; esac
        name=${name##* }
        case $name in
        lo) ;;
        *) problem network ;;
        esac
        found=$found${found:+, }$(quoted "$name")
    done </proc/net/dev
    # Nothing readable is not the same as nothing there.
    [ -n "$found" ] || problem network_unknown
}

routes() {
    count=-1
    while read -r _; do count=$((count + 1)); done </proc/net/route
    [ "$count" -le 0 ] || problem route
}

capabilities() {
    sets=
    while read -r key value; do
        case $key in
        CapInh: | CapPrm: | CapEff: | CapAmb:)
            [ "$value" = 0000000000000000 ] || problem capability
            sets=$sets${sets:+, }\"${key%:}\":\ \"$value\"
            ;;
        CapBnd:) sets=$sets${sets:+, }\"CapBnd\":\ \"$value\" ;;
        NoNewPrivs:) nonewprivs=$value ;;
        Seccomp:) seccomp=$value ;;
        Uid:) uid=${value%%[!0-9]*} ;;
        Gid:) gid=${value%%[!0-9]*} ;;
        esac
    done </proc/self/status
    [ -n "$sets" ] || problem capability_unknown
    [ "${nonewprivs:-0}" = 1 ] || problem privileges
    [ "${seccomp:-0}" = 2 ] || problem seccomp
    [ "${uid:-0}" != 0 ] || problem root
}

nested_namespace() {
    nested=false
    if unshare -U true 2>/dev/null; then
        nested=true
        problem nested_namespace
    fi
}

mounted() { # TARGET: ro if it and all that is mounted below it are read-only, rw if not, or none
    answer=none
    while read -r _ _ _ _ point options _; do
        case $point/ in
        "$1"/*) ;;
        *) continue ;;
        esac
        case ,$options, in
        *,ro,*) [ $answer = rw ] || answer=ro ;;
        *) answer=rw ;;
        esac
    done </proc/self/mountinfo
}

try_writing() { # TARGET: sets wrote, and error to the system's words
    wrote=false
    if [ -d "$1" ]; then
        if error=$({ : >"$1/.sealrun-probe"; } 2>&1); then
            wrote=true
            rm -f "$1/.sealrun-probe"
        fi
    elif error=$({ : >>"$1"; } 2>&1); then
        wrote=true
    fi
    error=${error##*: }
}

bind() { # ro|rw TARGET
    mounted "$2"
    try_writing "$2"
    case $1:$answer:$wrote in
    ro:ro:false | rw:rw:true) ;;
    ro:none:* | rw:none:*) problem bind_missing ;;
    ro:*) problem writable_input ;;
    rw:*) problem output_not_writable ;;
    esac
    binds=$binds${binds:+, }"{\"target\": $(quoted "$2"), \"declared\": \"$1\", \"mounted\": \"$answer\", \"wrote\": $wrote, \"error\": $(quoted "$error")}"
}

hidden() { # PATH
    mounted "$1"
    [ $answer = ro ] || problem node_counters
}

namespace() { # KIND:[NUMBER] of the node
    kind=${1%%:*}
    own=$(readlink "/proc/self/ns/$kind")
    [ -n "$own" ] || problem namespace_unknown
    [ "$own" != "$1" ] || problem shared_namespace
    namespaces=$namespaces${namespaces:+, }"$(quoted "$kind"): {\"own\": $(quoted "$own"), \"node\": $(quoted "$1")}"
}

devices() {
    seen=
    for device in /dev/nvidia*; do
        [ -e "$device" ] || continue
        if error=$({ : <"$device"; } 2>&1); then error=opened; fi
        seen=$seen${seen:+, }"$(quoted "${device#/dev/}"): $(quoted "${error##*: }")"
    done
}

services() {
    reachable=
    for place in /run/munge /var/run/munge /run/slurm* /var/run/slurm* /var/spool/slurm* /etc/slurm* \
        /run/docker.sock /run/dbus /run/systemd; do
        [ -e "$place" ] || continue
        problem service
        reachable=$reachable${reachable:+, }$(quoted "$place")
    done
}

variables() {
    names=
    for line in $(env | while IFS='=' read -r name _; do
        case $name in
        *[!A-Za-z0-9_]*) ;;
        APPTAINER* | SINGULARITY* | SLURM* | SSH* | MUNGE*) echo "$name" ;;
        esac
    done); do
        case $line in SLURM* | SSH* | MUNGE*) problem variable ;; esac
        names=$names${names:+, }$(quoted "$line")
    done
}

mounts() {
    list=
    while read -r _ _ _ _ point options rest; do
        case $point in /sys/* | /proc/*) continue ;; esac
        type=${rest#*- }
        list=$list${list:+, }$(quoted "$point ${type%% *} ${options%%,*}")
    done </proc/self/mountinfo
}

interfaces
routes
capabilities
nested_namespace
binds=
namespaces=
kinds=
for argument in "$@"; do
    case $argument in
    ro:* | rw:*) bind "${argument%%:*}" "${argument#*:}" ;;
    hidden:*) hidden "${argument#*:}" ;;
    host:*:*) namespace "${argument#*:}"; kinds=$kinds${argument%:*}$newline ;;
    *) problem argument ;;
    esac
done
for kind in net pid ipc mnt; do
    case $kinds in *"host:$kind"*) ;; *) problem namespace_unknown ;; esac
done
devices
services
variables
mounts

cat <<END
{"probe": 1,
 "interfaces": [$found], "routes": $count,
 "capabilities": {$sets}, "no_new_privs": ${nonewprivs:-0}, "seccomp": ${seccomp:-0},
 "uid": ${uid:-0}, "gid": ${gid:-0}, "nested_namespace": $nested,
 "namespaces": {$namespaces},
 "binds": [$binds],
 "devices": {$seen},
 "services": [$reachable],
 "variables": [$names],
 "mounts": [$list],
 "problems": [$problems]}
END
[ -z "$problems" ]
