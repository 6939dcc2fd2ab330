"""What Slurm said when it was asked how it is set up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from portal.domain.site.findings import Finding, Rule
from portal.site_check.deadlines import NEVER, Deadline
from scheduler.commands.complaints import Complaints, program_of
from scheduler.commands.inspection import (
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
from scheduler.commands.sacct import read_sacct, sacct_argv
from scheduler.commands.squeue import read_squeue, squeue_argv
from scheduler.errors import SchedulerError, TransportTimeoutError, UnreachableError
from scheduler.interface import Token
from scheduler.transport import Transport

T = TypeVar("T")
_TIMEOUT = timedelta(seconds=60)
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
    problems: tuple[str, ...] = ()
    """Why each question that was not answered was not: the program, and what was waited for."""
    unwatchable: str = ""
    """Why no job could be watched, where squeue was one of them."""
    by_rest: bool = False
    """Whether nobody could be asked: the portal speaks with slurmrestd, and there are no commands here."""
    serious: tuple[str, ...] = ()
    """What programs complained of beside good answers that may be about the answer."""
    harmless: tuple[str, ...] = ()
    """What they complained of with each answer."""

    @property
    def problem(self) -> str:
        """Why the first question that was not answered was not."""
        return self.problems[0] if self.problems else ""

    def missing(self, rule: Rule, *, subject: str = "") -> Finding:
        """Return the finding on a rule that a question without an answer was about."""
        if self.by_rest:
            return rule.unseen(f"slurmrestd does not tell ({self.problem})", subject=subject)
        why = "; ".join(self.problems) or "Slurm did not say it"
        change = "the cluster, so that its programs answer; see slurm.answers and slurm.whole"
        return rule.unchecked(why, subject=subject, change=change)


def ask(
    transport: Transport, user: str, *, deadline: Deadline = NEVER, by_rest: bool = False
) -> Answers:
    """Ask everything. Stops at a controller that does not answer: the rest would only time out."""
    # Each once, in the order in which they came.
    problems: dict[str, None] = {}
    heard = _Heard(transport, deadline)

    def answer(argv: Sequence[str], read: Callable[[bytes], T]) -> T | None:
        try:
            return read(heard.run(argv))
        except (SchedulerError, ValueError) as error:
            problems[f"{program_of(argv)}: {error}"] = None
            return None

    config = answer(config_argv(), read_config)
    if config is None:
        why = "" if by_rest else next(iter(problems))
        return Answers(problems=tuple(problems), by_rest=by_rest, unwatchable=why)
    cluster = config.get("ClusterName", "")
    # What the worker asks all the time.
    queue = answer(squeue_argv([NOBODYS]), lambda said: read_squeue(said, [NOBODYS]))
    unwatchable = "" if queue is not None or by_rest else next(reversed(problems))
    answer(sacct_argv([NOBODYS], timedelta(days=1)), lambda said: read_sacct(said, [NOBODYS]))
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
        unwatchable=unwatchable,
        problems=tuple(problems),
        serious=tuple(heard.serious),
        harmless=tuple(heard.harmless),
    )


class _Heard:
    """Runs commands, and keeps what they complain of beside answers: each line once."""

    def __init__(self, transport: Transport, deadline: Deadline) -> None:
        self._transport = transport
        self._deadline = deadline
        self._silent: dict[str, UnreachableError] = {}
        self._complaints = Complaints(
            lambda program: transport.run([program, "--version"], timeout=_TIMEOUT).stderr
        )
        self.serious: dict[str, None] = {}
        self.harmless: dict[str, None] = {}

    def run(self, argv: Sequence[str]) -> bytes:
        """Return what a command says. Raises ``UnreachableError`` where it fails or may not be asked any more."""
        program = program_of(argv)
        if program in self._silent:
            # Another question would take as long, and have as little of an answer.
            raise self._silent[program]
        if self._deadline.is_over:
            raise UnreachableError(f"not asked: {self._deadline.description}")
        timeout = self._deadline.at_most(_TIMEOUT)
        try:
            done = self._transport.run(argv, timeout=timeout)
        except TransportTimeoutError as late:
            silent = UnreachableError(f"no answer in {timeout.total_seconds():.0f} s ({late})")
            self._silent[program] = silent
            raise silent from late
        complaint = done.stderr.decode(errors="replace").strip()
        if done.returncode != 0:
            raise UnreachableError(complaint[:500] or f"exit code {done.returncode}")
        serious = self._complaints.about_the_answer(program, complaint).splitlines()
        for line in complaint.splitlines():
            if "error:" in line:
                (self.serious if line in serious else self.harmless)[line] = None
        return done.stdout
