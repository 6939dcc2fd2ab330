"""The process in which pyslurm runs: a line of JSON comes in, a line of JSON goes out.

pyslurm is Slurm's C library inside Python: where the library waits, crashes or calls exit, so does the
process. So it has one of its own, which is the only module that imports pyslurm and imports nothing else
of ours. It ends when its standard input does. ``pyslurm_adapter`` is the other side.

Written for pyslurm 25.11, against its sources; see docs/reference/scheduler.md for what was tested.
"""

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

Row = dict[str, Any]
Request = Mapping[str, Any]


def main() -> None:
    """Say hello, or why not, and then answer requests, one after the other."""
    answers = _own_output()
    try:
        pyslurm = _load()
    except Exception as problem:  # noqa: BLE001 - whatever the import runs into is the answer
        _say(answers, {"unusable": f"{type(problem).__name__}: {problem}"})
        return
    _say(answers, {"version": pyslurm.version()})
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
    importlib.import_module("pyslurm.db")
    return pyslurm


def _answer(pyslurm: Any, request: Request) -> Row:  # noqa: ANN401
    """Return ``result``, or ``error`` with Slurm's number, or None, and sentence."""
    try:
        return {"result": _ACTIONS[request["action"]](pyslurm, request)}
    except pyslurm.RPCError as refused:
        return {"error": {"number": refused.errno, "sentence": str(refused)}}
    except Exception as problem:  # noqa: BLE001 - it is told, and the process goes on
        return {"error": {"number": None, "sentence": f"{type(problem).__name__}: {problem}"}}


def _submit(pyslurm: Any, request: Request) -> int:  # noqa: ANN401
    # By its path: pyslurm first takes the text itself for one, which fails for a long text.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="sealrun-") as script:
        script.write(request["script"])
        script.flush()
        description = pyslurm.JobSubmitDescription(script=script.name, **request["job"])
        return int(description.submit())


def _queue(pyslurm: Any, request: Request) -> list[Row]:  # noqa: ANN401
    names = frozenset(request["names"])
    return [_row(job, job.allocated_nodes) for job in _own(pyslurm.Jobs.load().values(), names)]


def _accounting(pyslurm: Any, request: Request) -> list[Row]:  # noqa: ANN401
    names = list(request["names"])
    chosen = pyslurm.db.JobFilter(names=names, start_time=request["since"])
    jobs = pyslurm.db.Jobs.load(chosen)
    jobs = jobs.values() if hasattr(jobs, "values") else jobs
    return [_row(job, job.nodelist) for job in _own(jobs, frozenset(names))]


def _cancel(pyslurm: Any, request: Request) -> int:  # noqa: ANN401
    """Cancel by the ids that have this name now; pyslurm cannot cancel by name."""
    jobs = list(_own(pyslurm.Jobs.load().values(), frozenset({request["name"]})))
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


def _own(jobs: Any, names: frozenset[str]) -> Iterator[Any]:  # noqa: ANN401
    """Yield our own jobs with these names: another user's must not pass for ours by its name."""
    return (job for job in jobs if job.user_id == os.getuid() and job.name in names)


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
