# Takes more memory than the job asked for. Getting to the end means that nothing stopped it.
export LC_ALL=C PATH=/usr/bin:/bin
head -c "$bytes" /dev/zero | tail >/dev/null
