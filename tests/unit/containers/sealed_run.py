"""A sealed run, the flags that it is started with, and the texts that it may be given."""

from pathlib import PurePosixPath

from hypothesis import strategies as st

from containers.interface import Bind, SealedRun

SCRATCH = PurePosixPath("/local/sealrun-t")

RUN = SealedRun(
    image=PurePosixPath("/shared/images/a b.sif"),
    image_sha256="a" * 64,
    probe_image=PurePosixPath("/shared/images/probe.sif"),
    probe_sha256="b" * 64,
    argv=("/app/predict", "--fast", "it's"),
    binds=(
        Bind(source=PurePosixPath("/data/cells"), target=PurePosixPath("/input")),
        Bind(
            source=PurePosixPath("/shared/run/output"),
            target=PurePosixPath("/output"),
            writable=True,
        ),
    ),
    environment={"SEALRUN_TASK": "a,b 'c'\n$(id)", "SEALRUN_INPUT": "/input"},
)

PLAIN_TEXT = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t")
)

FLAGS = (
    "/usr/bin/env",
    "-i",
    "PATH=/usr/bin:/bin:/usr/sbin:/sbin",
    "LC_ALL=C",
    "APPTAINER_TMPDIR=/local/sealrun-t/temporary",
    "APPTAINER_CACHEDIR=/local/sealrun-t/cache",
    "APPTAINER_CONFIGDIR=/local/sealrun-t/settings",
    "APPTAINERENV_APPTAINER_BIND=",
    "APPTAINERENV_APPTAINER_CONTAINER=",
    "APPTAINERENV_APPTAINER_NAME=",
    "APPTAINERENV_SINGULARITY_BIND=",
    "APPTAINERENV_SINGULARITY_CONTAINER=",
    "APPTAINERENV_SINGULARITY_NAME=",
    "APPTAINERENV_SEALRUN_INPUT=/input",
    "APPTAINERENV_SEALRUN_TASK=a,b 'c'\n$(id)",
    "/usr/bin/apptainer",
    "--silent",
    "--nocolor",
    "exec",
    "--containall",
    "--no-home",
    "--home",
    "/tmp",  # noqa: S108 - the container's own
    "--no-eval",
    "--no-privs",
    "--drop-caps",
    "all",
    "--net",
    "--network",
    "none",
    "--no-mount",
    "hostfs,bind-paths,cwd,sys",
    "--bind",
    "/local/sealrun-t/sys:/sys:ro",
    "--bind",
    "/local/sealrun-t/language.sh:/.singularity.d/env/97-sealrun-language.sh:ro",
    "--workdir",
    "/local/sealrun-t/work",
    "--security",
    "seccomp:/local/sealrun-t/seccomp.json",
    "--bind",
    "/data/cells:/input:ro",
    "--bind",
    "/shared/run/output:/output:rw",
    "--pwd",
    "/output",
)
