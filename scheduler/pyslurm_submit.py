"""Submit through pyslurm: the description of the job and the reading of the answer."""

from collections.abc import Mapping
from typing import Any

from scheduler.interface import Accepted, Indeterminate, JobRef, JobSpec, Refused, Submitted, Token
from scheduler.refusals import SENTENCES
from scheduler.sbatch import literal, minutes
from scheduler.specs import check_spec
from scheduler.tokens import check_token
from scheduler.transport import DEFAULT_PATH


def description(spec: JobSpec, token: Token) -> dict[str, object]:
    """Return the attributes of pyslurm's JobSubmitDescription. Raises ``ValueError`` as sbatch_argv does."""
    check_spec(spec)
    optional = {
        "account": spec.account,
        "qos": spec.qos,
        "comment": spec.comment,
        "gres_per_node": _counted(spec.gres) if spec.gres else None,
    }
    return {
        "name": check_token(token),
        "partitions": [spec.partition],
        "nodes": 1,
        "ntasks": 1,
        "cpus_per_task": spec.cpus,
        "memory_per_node": spec.memory_mib,
        "time_limit": minutes(spec),
        "working_directory": str(spec.workdir),
        "standard_input": "/dev/null",
        "standard_output": literal(spec.stdout),
        "standard_error": literal(spec.stderr),
        "log_files_open_mode": "truncate",
        "is_requeueable": False,
        "kill_on_invalid_dependency": True,
        # Not empty: pyslurm takes that for all of its own process's.
        "environment": {"PATH": DEFAULT_PATH},
        **{name: value for name, value in optional.items() if value},
    }


def read_submission(answer: Mapping[str, Any]) -> Submitted:
    """Return what the answer says; everything that is not perfectly clear is ``Indeterminate``."""
    if (error := answer.get("error")) is None:
        job_id = answer.get("result")
        if type(job_id) is int and job_id > 0:
            return Accepted(ref=JobRef(cluster=None, job_id=str(job_id)))
        return Indeterminate(message=f"pyslurm answered {str(job_id)[:200]}")
    sentence = str(error.get("sentence")) if isinstance(error, Mapping) else str(error)
    # Only with Slurm's number it is the controller that said this, and not pyslurm.
    if isinstance(error, Mapping) and error.get("number") and (reason := SENTENCES.get(sentence)):
        return Refused(reason=reason, message=sentence)
    return Indeterminate(message=sentence[:1000])


def _counted(gres: str) -> str:
    """Return ``gres`` with its number, which pyslurm wants also where it is one."""
    return gres if gres.rpartition(":")[2].isdigit() else f"{gres}:1"
