"""What a token and a job specification must be, whatever the cluster: a mistake here is the caller's."""

import re

from scheduler.interface import JobSpec, Token

_TOKEN = re.compile(r"[a-z0-9-]{1,60}", re.ASCII)
_DIRECTIVE = re.compile(r"^\s*#\s*(?:SBATCH|BSUB|PBS)\b", re.MULTILINE)


def check_token(token: Token) -> Token:
    """Return ``token``. Raises ``ValueError`` for one that could not be a job name of ours."""
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"not a token: {token[:80]!r}")
    return token


def check_spec(spec: JobSpec) -> None:
    """Raise ``ValueError`` for a specification that no cluster could take as it is meant."""
    if not spec.script.startswith("#!"):
        raise ValueError("the script does not start with #!")
    if _DIRECTIVE.search(spec.script):
        raise ValueError("the script has directives of its own; options come from the JobSpec only")
    # Zero means "all of the node" to Slurm.
    if min(spec.cpus, spec.memory_mib, spec.time_limit.total_seconds()) <= 0:
        raise ValueError("cpus, memory_mib and time_limit must be positive")
    texts = (spec.partition, spec.account, spec.qos, spec.gres, spec.comment)
    paths = (spec.workdir, spec.stdout, spec.stderr)
    for text in (*texts, *map(str, paths)):
        if text and not text.isprintable():
            raise ValueError(f"control character in {text[:80]!r}")
    if not all(path.is_absolute() for path in paths):
        raise ValueError("workdir, stdout and stderr must be absolute")
    # It turns off Slurm's own replacements, and with them our doubling of "%".
    if "\\" in f"{spec.stdout}{spec.stderr}":
        raise ValueError("stdout and stderr must not contain a backslash")
