#!/bin/bash
# A measurement of data, written by Sealrun.

directory='/shared/runs/1 a'
token=t
scratch=/tmp/sealrun-t
scratch_directories=(
    /tmp/sealrun-t/work
    /tmp/sealrun-t/temporary
    /tmp/sealrun-t/cache
    /tmp/sealrun-t/settings
    /tmp/sealrun-t/hidden
    /tmp/sealrun-t/sys
)
log_limit=1048576
apptainer=/usr/bin/apptainer
minimum=1.0
clean_environment=(
    /usr/bin/env
    -i
    PATH=/usr/bin:/bin:/usr/sbin:/sbin
    LC_ALL=C
    APPTAINER_TMPDIR=/tmp/sealrun-t/temporary
    APPTAINER_CACHEDIR=/tmp/sealrun-t/cache
    APPTAINER_CONFIGDIR=/tmp/sealrun-t/settings
)
data='/data/a b'
