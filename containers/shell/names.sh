keeps_names() { # DIRECTORY: nobody but root and this account can put something else in the place of a directory in it
    local owner mode
    read -r owner mode < <(stat -c '%u %a' -- "$1")
    [[ $owner == 0 || $owner == "$EUID" ]] && ((!(8#$mode & 8#22) || 8#$mode & 8#1000))
}
