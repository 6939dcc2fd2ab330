#!/bin/bash
# An image build, written by Sealrun.

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
kind=sif
source=/shared/code.tar
source_sha256=cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
layout=''
chosen=''
base=''
base_sha256=''
definition='Bootstrap: localimage
From: /tmp/sealrun-t/base.sif

%files
    /tmp/sealrun-t/submission/. /submission
'
known_definition='Bootstrap: localimage
From: /tmp/sealrun-t/base.sif

%files
    /tmp/sealrun-t/known/submission/. /submission
'
wheelhouse=''
requirements=''
requirements_sha256=''
lock=requirements.lock
signature_keys=(
    '-----BEGIN
abc
-----END'
    'another '"'"'key'"'"''
)
system_part=3
install=(
)
size_limit=21474836480
file_blocks=62914560
unpacked_kib=62914560
unpacked_files=1000000
process_limit=4096
member_limit=4096
verified=(
    /run/sealrun
    /var/tmp
)
