"""Submit: the argv of sbatch and the reading of its answer."""

import re
from pathlib import PurePosixPath

from scheduler.checks import check_spec, check_token
from scheduler.interface import Accepted, Indeterminate, JobRef, JobSpec, Submitted, Token
from scheduler.slurm.refusals import read_refusal
from scheduler.transport import Finished

_PARSABLE = re.compile(r"(?P<id>\d{1,10})(?:;(?P<cluster>[\w.-]+))?", re.ASCII)


def sbatch_argv(spec: JobSpec, token: Token, *, export: str) -> list[str]:
    """Return the command; the script goes to its standard input.

    ``export`` is ``NIL`` or ``NONE``, by the release. Raises ``ValueError`` for a specification that
    no cluster could take as it is meant: that is the caller's mistake.
    """
    check_spec(spec)
    optional = {
        "account": spec.account,
        "qos": spec.qos,
        "gres": spec.gres,
        "comment": spec.comment,
    }
    return [
        "sbatch",
        "--parsable",
        f"--job-name={check_token(token)}",
        f"--export={export}",
        "--no-requeue",
        "--kill-on-invalid-dep=yes",
        "--ignore-pbs",
        "--nodes=1",
        "--ntasks=1",
        f"--partition={spec.partition}",
        *[f"--{name}={value}" for name, value in optional.items() if value],
        *(["--exclusive"] if spec.exclusive else []),
        f"--cpus-per-task={spec.cpus}",
        f"--mem={spec.memory_mib}M",
        f"--time={minutes(spec)}",
        f"--chdir={spec.workdir}",
        "--input=none",
        f"--output={literal(spec.stdout)}",
        f"--error={literal(spec.stderr)}",
        "--open-mode=truncate",
    ]


def read_sbatch(answer: Finished) -> Submitted:
    """Return what the answer says; everything that is not perfectly clear is ``Indeterminate``."""
    stdout = answer.stdout.decode(errors="replace").strip()
    stderr = answer.stderr.decode(errors="replace").strip()
    if answer.returncode == 0:
        # Sites let sbatch print lines of their own before; what is no number is none of its own.
        found = [
            match for line in stdout.splitlines() if (match := _PARSABLE.fullmatch(line.strip()))
        ]
        if len(found) == 1:
            return Accepted(ref=JobRef(cluster=found[0]["cluster"], job_id=found[0]["id"]))
        return Indeterminate(message=f"sbatch succeeded but printed {stdout[:200]!r}")
    if not stdout and (refusal := read_refusal(stderr)):
        return refusal
    return Indeterminate(message=stderr[:1000] or f"sbatch ended with {answer.returncode}")


def minutes(spec: JobSpec) -> int:
    """Whole minutes, rounded up, because sbatch takes no seconds here."""
    return -int(-spec.time_limit.total_seconds() // 60)


def literal(path: PurePosixPath) -> str:
    """Keep Slurm from filling in ``%j`` and the like."""
    return str(path).replace("%", "%%")
