#!/bin/sh
# Installs the Debian packages named that are missing; without root or sudo it names them and ends.
set -eu
missing=
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then
    sudo=
elif sudo -n true 2>/dev/null; then
    sudo='sudo -n'
else
    echo "These Debian packages are missing and installing them needs root:$missing" >&2
    exit 1
fi
echo "installing:$missing"
case "$missing " in
*" glewlwyd "*)
    # It would begin to serve, with a password that everybody knows; the tests start their own.
    $sudo mkdir -p /etc/systemd/system
    $sudo ln -sf /dev/null /etc/systemd/system/glewlwyd.service
    ;;
esac
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of package names
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
