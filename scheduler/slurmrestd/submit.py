"""Submit through slurmrestd: the body of the request and the reading of its answer."""

from scheduler.checks import check_spec, check_token
from scheduler.commands.sbatch import literal, minutes
from scheduler.interface import Accepted, Indeterminate, JobRef, JobSpec, Refused, Submitted, Token
from scheduler.slurm.refusals import MESSAGES
from scheduler.slurmrestd.answer import Answer
from scheduler.slurmrestd.jobs import cluster_of
from scheduler.slurmrestd.versions import Dialect
from scheduler.transport import DEFAULT_PATH

# slurmrestd itself says this of a request that it cannot read; it asks the controller nothing then.
_UNREADABLE = {"Failure during parsing": "invalid"}


def submission(dialect: Dialect, spec: JobSpec, token: Token) -> dict[str, object]:
    """Return the body of the request. Raises ``ValueError`` as ``sbatch_argv`` does."""
    check_spec(spec)
    optional = {"account": spec.account, "qos": spec.qos, "comment": spec.comment}
    job: dict[str, object] = {
        "name": check_token(token),
        "partition": spec.partition,
        "tasks": 1,
        "cpus_per_task": spec.cpus,
        "memory_per_node": dialect.number(spec.memory_mib),
        "time_limit": dialect.number(minutes(spec)),
        "current_working_directory": str(spec.workdir),
        "standard_input": "/dev/null",
        "standard_output": literal(spec.stdout),
        "standard_error": literal(spec.stderr),
        "requeue": False,
        # slurmrestd refuses an empty one. The job gets this and SLURM_*, and nothing of anybody's.
        "environment": dialect.environment({"PATH": DEFAULT_PATH}),
    }
    job |= dialect.shape(gres=spec.gres, exclusive=spec.exclusive)
    job |= {name: value for name, value in optional.items() if value}
    return dialect.request(job, spec.script)


def read_submission(answer: Answer) -> Submitted:
    """Return what the answer says; everything that is not perfectly clear is ``Indeterminate``.

    The status of a refusal differs between releases (500, 422), so the sentence decides.
    """
    job_id, errors = answer.document.get("job_id"), answer.errors
    if answer.is_ok and not errors and type(job_id) is int and job_id > 0:
        return Accepted(ref=JobRef(cluster=cluster_of(answer), job_id=str(job_id)))
    if not job_id and len(errors) == 1 and not answer.is_ok:
        reason = (MESSAGES | _UNREADABLE).get(errors[0])
        if reason:
            return Refused(reason=reason, message=errors[0])
    said = "; ".join(errors)[:1000] or f"job id {str(job_id)[:40]!r}"
    return Indeterminate(message=f"slurmrestd answered {answer.status}: {said}")
