# Looks for what the job before has left on this node, and takes it away.
set -u
umask 077
export LC_ALL=C PATH=/usr/bin:/bin:/usr/sbin:/sbin
cd /

say() { printf '%s %s\n' "$1" "$2" >>"$directory/.notes.part"; }

say node "${SLURMD_NODENAME:-$(uname -n)}"
for place in /tmp /var/tmp /dev/shm; do
    if [[ -e $place/$mark ]]; then
        say file "$place"
        rm -f -- "$place/$mark"
    fi
done
for process in /proc/[0-9]*; do
    { IFS= read -r -d '' name <"$process/cmdline"; } 2>/dev/null || continue
    if [[ $name == "$mark" ]]; then
        say process "${process#/proc/}"
        # With its own child, which sleeps: both are in the session that it leads.
        kill -KILL -- "-${process#/proc/}" 2>/dev/null || kill -KILL "${process#/proc/}"
    fi
done
mv -f -- "$directory/.notes.part" "$directory/notes"
