"""The process in which pyslurm runs: a line of JSON comes in, a line of JSON goes out.

pyslurm is Slurm's C library inside Python: where the library waits, crashes or calls exit, so does the
process. So it has one of its own, which is the only module that imports pyslurm and imports nothing else
of ours. It ends when its standard input does. ``scheduler.pyslurm.adapter`` is the other side.

Written for pyslurm 25.11, against its sources; see docs/reference/scheduler.md for what was tested.
"""

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import IO, Any

Row = dict[str, Any]
Request = Mapping[str, Any]

_NO_VALUE = 0xFFFFFFFE
"""Slurm's NO_VAL."""
_UNSENDABLE = (AttributeError, OverflowError, TypeError, ValueError)
"""What pyslurm raises while it fills in the request, before it sends it: numbers too large, a script it finds odd."""


def main() -> None:
    """Say hello, or why not, and then answer requests, one after the other."""
    answers = _own_output()
    try:
        pyslurm = _load()
        version = str(pyslurm.__version__)
    except Exception as problem:  # noqa: BLE001 - whatever the import runs into is the answer
        _say(answers, {"unusable": f"{type(problem).__name__}: {problem}"})
        return
    _say(answers, {"version": version})
    for line in sys.stdin:
        request = json.loads(line)
        _say(answers, {"number": request["number"], **_answer(pyslurm, request)})


def _own_output() -> IO[str]:
    """Keep standard output for answers; what the library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _say(answers: IO[str], answer: Request) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _load() -> Any:  # noqa: ANN401 - an untyped module that need not be there
    pyslurm = importlib.import_module("pyslurm")
    for name in ("pyslurm.core.job.job", "pyslurm.db.job"):
        _keep_exit_codes(importlib.import_module(name))
    return pyslurm


def _keep_exit_codes(module: Any) -> None:  # noqa: ANN401
    """Let the jobs of ``module`` tell their exit codes as they are.

    pyslurm takes 128 off those from 128 on: 203 would read as 75, which is a code of our scripts'.
    """
    if not callable(getattr(module, "_get_exit_code", None)):
        raise TypeError(f"another pyslurm than 25.11: {module.__name__} reads exit codes elsewhere")
    module._get_exit_code = _exit_code_and_signal  # noqa: SLF001 - nothing public tells them


def _exit_code_and_signal(status: int) -> tuple[int, int]:
    """Return both from a wait status, as Slurm keeps it."""
    if status == _NO_VALUE:
        return 0, 0
    if os.WIFSIGNALED(status):
        return 0, os.WTERMSIG(status)
    return (os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0), 0


def _answer(pyslurm: Any, request: Request) -> Row:  # noqa: ANN401
    """Return ``result``, or ``error`` with Slurm's number, or None, and sentence."""
    try:
        return {"result": _ACTIONS[request["action"]](pyslurm, request)}
    except pyslurm.RPCError as refused:
        return {"error": {"number": refused.errno, "sentence": str(refused)}}
    except Exception as problem:  # noqa: BLE001 - it is shown, and the process goes on
        return {"error": {"number": None, "sentence": f"{type(problem).__name__}: {problem}"}}


def _submit(pyslurm: Any, request: Request) -> Row:  # noqa: ANN401
    """Return the job's id, or why nothing was sent. Where this raises it is not known what was."""
    # By its path: pyslurm first takes the text itself for one, which fails for a long text.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="sealrun-") as script:
        try:
            script.write(request["script"])
            script.flush()
            description = pyslurm.JobSubmitDescription(script=script.name, **request["job"])
            return {"id": description.submit()}
        except _UNSENDABLE as problem:
            return {"unsendable": f"{type(problem).__name__}: {problem}"}


def _queue(pyslurm: Any, request: Request) -> list[Row]:  # noqa: ANN401
    jobs = pyslurm.Jobs.load().values()
    return [_row(job, job.allocated_nodes) for job in _own(jobs, request["names"])]


def _accounting(pyslurm: Any, request: Request) -> list[Row]:  # noqa: ANN401
    chosen = pyslurm.db.JobFilter(names=request["names"], start_time=request["since"])
    jobs = pyslurm.db.Jobs.load(chosen).values()
    return [_row(job, job.nodelist) for job in _own(jobs, request["names"])]


def _cancel(pyslurm: Any, request: Request) -> int:  # noqa: ANN401
    """Cancel by the ids that have this name now; pyslurm cannot cancel by name."""
    jobs = list(_own(pyslurm.Jobs.load().values(), [request["name"]]))
    for job in jobs:
        job.cancel()
    return len(jobs)


def _config(pyslurm: Any, _request: Request) -> Row:  # noqa: ANN401
    config = pyslurm.slurmctld.Config.load()
    return {"version": config.version, "message_timeout": config.message_timeout}


_ACTIONS: dict[str, Callable[[Any, Request], Any]] = {
    "submit": _submit,
    "queue": _queue,
    "accounting": _accounting,
    "cancel": _cancel,
    "config": _config,
}


def _own(jobs: Any, names: Collection[str] | None) -> Iterator[Any]:  # noqa: ANN401
    """Yield our own jobs with these names, or all: another user's must not pass for ours by its name."""
    wanted = None if names is None else frozenset(names)
    for job in jobs:
        if job.user_id == os.getuid() and (wanted is None or job.name in wanted):
            yield job


def _row(job: Any, nodes: str | None) -> Row:  # noqa: ANN401
    return {
        "id": job.id,
        "name": job.name,
        "cluster": job.cluster,
        "state": job.state,
        "reason": job.state_reason,
        "exit_code": job.exit_code,
        "signal": job.exit_code_signal,
        "submitted": job.submit_time,
        "started": job.start_time,
        "ended": job.end_time,
        "nodes": nodes,
    }


if __name__ == "__main__":
    main()
