# Ignores every request to end.
trap '' TERM INT HUP
while :; do sleep 5; done
