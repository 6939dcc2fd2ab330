# Looks around on the node, outside any container, and leaves things that a later job must not find.
variables=$(compgen -e)
set -u
umask 077
export LC_ALL=C PATH=/usr/bin:/bin:/usr/sbin:/sbin
cd /

say() { printf '%s %s\n' "$1" "$2" >>"$directory/.notes.part"; }

answer() { # COMMAND...: what it says last where it fails, or ok
    local answer
    if answer=$("$@" 2>&1 >/dev/null); then printf ok; else printf '%s' "${answer##*$'\n'}" | cut -c 1-200; fi
}

say node "${SLURMD_NODENAME:-$(uname -n)}"
say machine "$(uname -m)"
say uid "$(id -u)"
say groups "$(id -G)"
[[ -z $upload ]] || say upload "$(answer head -c 1 "$upload")"
for name in $variables; do say variable "$name"; done
say canary "$(head -c 100 "$canary" 2>&1)"

for program in bash awk chmod cut dd du env head mkfifo mv od rm sha256sum sort srun stat tail tar timeout unshare; do
    command -v "$program" >/dev/null || say missing "$program"
done

# Where runs and builds work: as much room as the file system says, and whether what lies there can be run.
read -r blocks size kind < <(stat -f -c '%a %S %T' -- "$scratch")
[[ -z ${size-} ]] || say room "$((blocks * size)) $kind"
program=$scratch/$mark.program
if { printf '#!/bin/sh\n' >"$program" && chmod u+x -- "$program"; } 2>/dev/null; then
    say programs "$(answer "$program")"
else
    say programs "nothing can be written there"
fi
rm -f -- "$program"

# Where the node can note from one job to the next which images it has verified: nobody else may put anything there.
for place in "${verified[@]}"; do
    if keeps_names "$place" 2>/dev/null && [[ -w $place ]]; then say verified "$place"; fi
done
say verified end

[[ ! -r /proc/driver/nvidia/version ]] || say driver "$(head -n 1 /proc/driver/nvidia/version)"
for device in /dev/nvidia[0-9]*; do
    [[ -c $device ]] || continue
    if answer=$({ : <"$device"; } 2>&1); then answer=opened; fi
    say device "${device#/dev/} ${answer##*: }"
done

for place in "${data[@]}"; do
    if [[ ! -e $place ]]; then
        say data "missing $place"
    elif [[ ! -r $place || ! -x $place ]]; then
        say data "closed $place"
    else
        say data "$(stat -L -c %a -- "$place") $place"
    fi
done

say cpus "$(getconf _NPROCESSORS_ONLN)"
say nproc "$(ulimit -Hu)"
say threads_max "$(cat /proc/sys/kernel/threads-max)"
say pid_max "$(cat /proc/sys/kernel/pid_max)"

say user_namespace "$(answer unshare --user true)"
say network_namespace "$(answer unshare --user --map-root-user --net true)"

configuration=/etc/apptainer/apptainer.conf
if answer=$("${clean_environment[@]}" "$apptainer" version 2>/dev/null); then
    say apptainer "${answer%%$'\n'*}"
    built=$("${clean_environment[@]}" "$apptainer" buildcfg 2>/dev/null)
    while IFS='=' read -r key value; do
        case $key in
        APPTAINER_CONF_FILE) configuration=$value ;;
        LIBEXECDIR) [[ -u $value/apptainer/bin/starter-suid ]] && say starter setuid ;;
        esac
    done <<<"$built"
    if [[ -r $configuration ]]; then
        say configuration "$configuration"
        while IFS= read -r line; do say setting "$line"; done < <(
            grep -E '^(allow|user bind|mount|enable|limit|max|sessiondir|memory fs) ?[a-z _]*= ' "$configuration"
        )
    fi
else
    say apptainer_missing "$(answer "${clean_environment[@]}" "$apptainer" version)"
fi

for place in /tmp /var/tmp /dev/shm; do
    if { : >"$place/$mark"; } 2>/dev/null; then say left "$place"; fi
done
# In a session of its own and without a parent, so that only its cgroup says to which job it belongs. It
# takes the files away itself if no later job does; not before one may come, which would find nothing.
# shellcheck disable=SC2016
setsid --fork bash -c 'exec -a "$1" bash -c "sleep $2; rm -f -- /tmp/$1 /var/tmp/$1 /dev/shm/$1"' \
    bash "$mark" "$keep_seconds" </dev/null >/dev/null 2>&1
sleep 0.3
mv -f -- "$directory/.notes.part" "$directory/notes"
