"""Submit through pyslurm: the description of the job and the reading of the answer."""

from collections.abc import Mapping
from typing import Any

from scheduler.checks import check_spec, check_token
from scheduler.commands.sbatch import literal, minutes
from scheduler.interface import Accepted, Indeterminate, JobRef, JobSpec, Refused, Submitted, Token
from scheduler.slurm.refusals import MESSAGES, names_full_queue
from scheduler.transport import DEFAULT_PATH

# The library's fields have 16, 32 and 64 bits. The largest numbers of each mean "not set" and "without limit",
# and the topmost bit of the memory that it is for each core.
_MAX_CPUS = 0xFFFD
_MAX_MINUTES = 0xFFFFFFFD
_MAX_MEMORY_MIB = (1 << 63) - 1


def refuse_unsendable(spec: JobSpec) -> Refused | None:
    """Return the refusal of what the library would take for something else."""
    if "\r" in spec.script:
        # It reads the script as text, which makes other line ends of them.
        return Refused(reason="invalid", message="the script has carriage returns")
    for name, value, most in (
        ("cpus", spec.cpus, _MAX_CPUS),
        ("memory_mib", spec.memory_mib, _MAX_MEMORY_MIB),
        ("time_limit", minutes(spec), _MAX_MINUTES),
    ):
        if value > most:
            return Refused(reason="invalid", message=f"{name} is {value}; Slurm takes up to {most}")
    return None


def description(spec: JobSpec, token: Token) -> dict[str, object]:
    """Return the attributes of pyslurm's JobSubmitDescription. Raises ``ValueError`` as sbatch_argv does."""
    check_spec(spec)
    optional = {
        "account": spec.account,
        "qos": spec.qos,
        "comment": spec.comment,
        "gres_per_node": _counted(spec.gres) if spec.gres else None,
        "resource_sharing": "exclusive" if spec.exclusive else None,
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
        "standard_in": "/dev/null",
        "standard_output": literal(spec.stdout),
        "standard_error": literal(spec.stderr),
        "log_files_open_mode": "truncate",
        "is_requeueable": False,
        "kill_on_invalid_dependency": True,
        # Left out, it asks for every kind of profile.
        "profile_types": ["none"],
        # Not empty: pyslurm takes that for all of its own process's.
        "environment": {"PATH": DEFAULT_PATH},
        **{name: value for name, value in optional.items() if value},
    }


def read_submission(answer: Mapping[str, Any]) -> Submitted:
    """Return what the answer says; everything that is not perfectly clear is ``Indeterminate``."""
    if (error := answer.get("error")) is not None:
        return _read_error(error, str(answer.get("said", "")))
    result = answer.get("result")
    if isinstance(result, Mapping):
        job_id, unsendable = result.get("id"), result.get("unsendable")
        if type(job_id) is int and job_id > 0:
            return Accepted(ref=JobRef(cluster=None, job_id=str(job_id)))
        if unsendable:
            return Refused(reason="invalid", message=str(unsendable)[:1000])
    return Indeterminate(message=f"pyslurm answered {str(result)[:200]}")


def message_of(error: object) -> str:
    """Return the sentence in an ``error`` of the child's."""
    return str(error.get("sentence") if isinstance(error, Mapping) else error)[:1000]


def _read_error(error: object, said: str) -> Submitted:
    message = message_of(error)
    # Only with Slurm's number it is the controller that said this, and not pyslurm.
    if isinstance(error, Mapping) and error.get("number") and (reason := MESSAGES.get(message)):
        # Which limit it is, the library only prints.
        if reason == "qos_limit" and names_full_queue(said):
            reason = "queue_full"
        return Refused(reason=reason, message=f"{message} {said}".strip()[:1000])
    return Indeterminate(message=message)


def _counted(gres: str) -> str:
    """Return ``gres`` with its numbers, which pyslurm wants also where they are one."""
    parts = gres.split(",")
    return ",".join(part if part.rpartition(":")[2].isdigit() else f"{part}:1" for part in parts)
