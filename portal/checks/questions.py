"""What Slurm said when it was asked how it is set up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from scheduler.complaints import Complaints, program_of
from scheduler.errors import SchedulerError, Unreachable
from scheduler.inspection import (
    AccountUser,
    Association,
    NodeKind,
    Partition,
    Qos,
    accounting_config_argv,
    associations_argv,
    config_argv,
    nodes_argv,
    partitions_argv,
    places_argv,
    qos_argv,
    read_associations,
    read_config,
    read_nodes,
    read_partitions,
    read_places,
    read_qos,
    read_users,
    users_argv,
)
from scheduler.interface import Token
from scheduler.sacct import sacct_argv
from scheduler.squeue import squeue_argv
from scheduler.transport import Transport

T = TypeVar("T")
_PATIENCE = timedelta(seconds=60)
NOBODYS = Token("sr-nobodys")
"""A token that no attempt has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers; ``None`` for a question that was not answered."""

    config: Mapping[str, str] | None = None
    accounting: Mapping[str, str] | None = None
    """slurmdbd's."""
    partitions: Mapping[str, Partition] | None = None
    associations: tuple[Association, ...] | None = None
    qos: Mapping[str, Qos] | None = None
    nodes: tuple[NodeKind, ...] | None = None
    places: Mapping[str, frozenset[str]] | None = None
    """The names of the nodes of each partition, also of those that this account may not use."""
    users: tuple[AccountUser, ...] | None = None
    """Who may charge which account, as far as that is shown to this account."""
    user: str = ""
    """Who asked."""
    problem: str = ""
    """Why the first question that was not answered was not."""
    serious: tuple[str, ...] = ()
    """What programs complained of beside good answers that may be about the answer."""
    harmless: tuple[str, ...] = ()
    """What they complained of with each answer."""


def ask(transport: Transport, user: str) -> Answers:
    """Ask everything. Stops at a controller that does not answer: the rest would only time out."""
    problems: list[str] = []
    heard = _Heard(transport)

    def answer(argv: Sequence[str], read: Callable[[bytes], T]) -> T | None:
        try:
            return read(heard.run(argv))
        except (SchedulerError, ValueError) as error:
            problems.append(f"{argv[0]}: {error}")
            return None

    config = answer(config_argv(), read_config)
    if config is None:
        return Answers(problem=problems[0])
    cluster = config.get("ClusterName", "")
    # What the worker asks all the time.
    answer(squeue_argv([NOBODYS]), bytes)
    answer(sacct_argv([NOBODYS], timedelta(days=1)), bytes)
    return Answers(
        config=config,
        accounting=answer(accounting_config_argv(), read_config),
        partitions=answer(partitions_argv(), read_partitions),
        associations=answer(associations_argv(user, cluster), read_associations),
        qos=answer(qos_argv(), read_qos),
        nodes=answer(nodes_argv(), read_nodes),
        places=answer(places_argv(), read_places),
        users=answer(users_argv(cluster), read_users),
        user=user,
        problem=problems[0] if problems else "",
        serious=tuple(heard.serious),
        harmless=tuple(heard.harmless),
    )


class _Heard:
    """Runs commands, and keeps what they complain of beside answers: each line once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._complaints = Complaints(
            lambda program: transport.run([program, "--version"], timeout=_PATIENCE).stderr
        )
        self.serious: dict[str, None] = {}
        self.harmless: dict[str, None] = {}

    def run(self, argv: Sequence[str]) -> bytes:
        """Return what a command says. Raises ``Unreachable`` where it fails."""
        done = self._transport.run(argv, timeout=_PATIENCE)
        complaint = done.stderr.decode(errors="replace").strip()
        if done.returncode != 0:
            raise Unreachable(complaint[:500] or f"exit code {done.returncode}")
        serious = self._complaints.about_the_answer(program_of(argv), complaint).splitlines()
        for line in complaint.splitlines():
            if "error:" in line:
                (self.serious if line in serious else self.harmless)[line] = None
        return done.stdout
