"""The threads of a worker: one for each cluster, and one that looks after the audit log."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from portal.bootstrap.site import Installation
from portal.bootstrap.worker import audit_watch, postman, worker_contexts
from portal.worker.audit_watch import watch_until
from portal.worker.context import WorkerContext
from portal.worker.loop import work_until
from portal.worker.mail.postman import send_until
from scheduler.errors import SchedulerError

Task = Callable[[threading.Event], None]


@dataclass(slots=True)
class _Shift:
    """The threads that work with the same settings."""

    over: threading.Event = field(default_factory=threading.Event)
    threads: dict[str, threading.Thread] = field(default_factory=dict)


class Crew:
    """Does the worker's tasks, each in a thread of its own, until it is stopped."""

    def __init__(self, site: Installation) -> None:
        self._tasks = _tasks(site)
        self._shift = _Shift()

    def start(self) -> None:
        """Begin to work."""
        self._begin(self._tasks, self._shift)

    def renew(self, site: Installation) -> None:
        """Go on with other settings: each task when the pass that it is in has ended.

        What cannot be opened raises before anything is stopped.
        """
        tasks, before = _tasks(site), self._shift
        before.over.set()
        self._begin(tasks, before)

    def stop(self) -> None:
        """End all tasks, each after the pass that it is in."""
        self._shift.over.set()
        for thread in self._shift.threads.values():
            thread.join()

    def _begin(self, tasks: dict[str, Task], before: _Shift) -> None:
        shift = _Shift()
        for name, task in tasks.items():
            earlier = before.threads.get(name)
            arguments = (earlier, task, shift.over)
            shift.threads[name] = threading.Thread(target=_follow, args=arguments, name=name)
        self._shift = shift
        for thread in shift.threads.values():
            thread.start()


def _follow(earlier: threading.Thread | None, task: Task, over: threading.Event) -> None:
    if earlier is not None:
        earlier.join()
    task(over)


def _tasks(site: Installation) -> dict[str, Task]:
    """Return what there is to do, by name. Raises what keeps a cluster from being opened."""
    contexts = worker_contexts(site)
    for context in contexts:
        context.cluster.close_to_others()
    watch = audit_watch(site)
    tasks: dict[str, Task] = {
        f"cluster:{context.cluster.name}": _drive(context) for context in contexts
    }
    tasks["audit"] = lambda over: watch_until(watch, over)
    if (sender := postman(site)) is not None:
        tasks["mail"] = lambda over: send_until(sender, over)
    return tasks


def _drive(context: WorkerContext) -> Task:
    def drive(over: threading.Event) -> None:
        _say_how_it_is(context)
        work_until(context, over)

    return drive


def _say_how_it_is(context: WorkerContext) -> None:
    """Log whether the cluster answers; the worker starts either way and goes on asking."""
    log = structlog.get_logger("sealrun.worker").bind(cluster=context.cluster.name)
    try:
        pong = context.cluster.scheduler.ping()
    except SchedulerError as problem:
        log.error("cluster_unreachable", problem=str(problem))  # noqa: TRY400 - one line will do
    else:
        log.info("worker_started", slurm=pong.version, holder=context.holder)
