# What the kernel counts for all of a node tells each container of the others: files stand in front of it that
# say what a program may want to know, and never change.

hide_counters() {
    local path file masks=()
    for path in "${hidden[@]}"; do
        [[ -e $path ]] || continue
        file=$scratch/hidden/${path//\//_}
        if [[ -d $path ]]; then
            mkdir -- "$file" || stop node_unfit 74
        else
            still "$path" >"$file" || stop node_unfit 74
        fi
        masks+=(--bind "$file:$path:ro")
        probe+=("hidden:$path")
    done
    copy_processors
    with_flags probe
    with_flags payload
}

with_flags() { # ARRAY: puts the masks behind the word exec of the command in it
    local -n command=$1
    local number
    for number in "${!command[@]}"; do
        [[ ${command[number]} == exec ]] || continue
        command=("${command[@]:0:number+1}" ${masks[@]+"${masks[@]}"} "${command[@]:number+1}")
        return
    done
    stop node_unfit 74
}

still() { # PATH: its text without anything that changes
    local key value unit total=0
    case $1 in
    /proc/loadavg) echo '0.00 0.00 0.00 1/1 1' ;;
    /proc/uptime)
        read -r value _ <"$1"
        echo "$value 0.00"
        ;;
    /proc/stat)
        while read -r key value; do
            case $key in
            cpu*) echo "$key 0 0 0 0 0 0 0 0 0 0" ;;
            btime) echo "$key $value" ;;
            *) echo "$key 0" ;;
            esac
        done <"$1"
        ;;
    /proc/meminfo)
        while read -r key value unit; do
            case $key in
            MemTotal:) total=$value ;;
            MemFree: | MemAvailable:) value=$total ;;
            Hugepagesize:) ;;
            *) value=0 ;;
            esac
            echo "$key $value${unit:+ $unit}"
        done <"$1"
        ;;
    esac
}

copy_processors() { # How many there are and how they lie is asked for by programs that make threads.
    (
        cd /sys/devices/system 2>/dev/null || exit 0
        mkdir -p -- "$scratch/sys/devices/system"
        cp --parents -- cpu/online cpu/possible cpu/present cpu/cpu[0-9]*/topology/* node/online \
            node/possible node/node[0-9]*/{cpulist,cpumap,distance} "$scratch/sys/devices/system"
    ) 2>/dev/null
    return 0
}
