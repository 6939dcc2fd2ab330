"""One job of a check, what became of it, and what to do where nothing did."""

from dataclasses import dataclass
from datetime import timedelta

from scheduler.interface import JobReport, Outcome, Phase, Token
from site_config.units import format_duration

LONGER = "let the check wait longer: --job-timeout 30m --time-limit 60"
"""What to do where a cluster is only slow."""


@dataclass(slots=True, kw_only=True)
class Sent:
    """One job, and what became of it."""

    token: Token
    name: str = ""
    """What it is for, as its directory is called."""
    partition: str = ""
    job_id: str = ""
    """Slurm's number, once it has said one."""
    refused: str = ""
    """Slurm's own words, where it has no such job."""
    unsent: str = ""
    """Why it was never handed over."""
    problem: str = ""
    """Why nothing was heard of it when it was asked for last."""
    report: JobReport | None = None
    """The last that was said of it."""
    begun: float = 0.0
    """When it was handed over, in seconds of the clock that is never set back."""
    gave_up: bool = False
    """It was not over when its time was."""
    then: JobReport | None = None
    """The last that was said of it until then: later it is cancelled."""
    waited: timedelta = timedelta(0)
    """How long it was waited for until then, from when it was handed over."""
    limit: str = ""
    """The option whose time that was."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be expected of it."""
        ended = self.report is not None and self.report.phase is Phase.ENDED
        return bool(self.refused or self.unsent) or ended

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, if it has."""
        return self.report.outcome if self.report else None

    @property
    def called(self) -> str:
        """How the operator finds it: its number, else its name in Slurm."""
        return f"job {self.job_id or self.token}"

    @property
    def place(self) -> str:
        """Where it was sent, in words."""
        return f" in partition {self.partition}" if self.partition else ""

    @property
    def state(self) -> str:
        """Slurm's own word for its state, with the reason in brackets."""
        report = self.then if self.gave_up else self.report
        if report is None:
            return "not seen yet"
        return report.raw_state + (f" ({report.raw_reason})" if report.raw_reason else "")

    @property
    def description(self) -> str:
        """What became of it, for the operator: what was waited for and how long, where it was in vain."""
        if self.refused:
            return f"refused: {self.refused}"
        if self.unsent:
            return f"not sent: {self.unsent}"
        if self.gave_up:
            return self._in_vain()
        if self.report is None:
            return f"nothing is known of it: {self.problem}".rstrip(": ")
        code = self.report.exit_code
        noted = f"{self.report.raw_state} {self.report.raw_reason}".strip()
        return noted + (f", exit code {code}" if code else "")

    def _in_vain(self) -> str:
        after = f"after {format_duration(self.waited)}" + (f" ({self.limit})" if self.limit else "")
        if self.then is None:
            why = f": {self.problem}" if self.problem else ""
            return f"nothing was heard of {self.called}{self.place} {after}{why}"
        return f"{self.called}{self.place} was still {self.state} {after}"

    @property
    def remedy(self) -> str:
        """What to do where it was waited for in vain; nothing where it was not."""
        if self.unsent:
            return LONGER
        if not self.gave_up:
            return ""
        if self.then is None:
            return "squeue and sacct, which have to answer; then run the check again"
        if self.then.phase in {Phase.PENDING, Phase.HELD}:
            return f"run: sinfo --partition={self.partition}, and free a node of it, or {LONGER}"
        return f"run: scontrol show job {self.job_id}, and look at slurmd's log on {self.then.nodes or 'its node'}"
