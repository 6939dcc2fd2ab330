"""The dry run of a challenge: what each of its submissions has to come to, and whether it did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from portal.domain.challenges.life import ChallengeState
from portal.domain.errors import ParticipantError
from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards.scores import Column, primary, rank_value, rounded, written

MAX_PER_DAY = 20
"""Dry runs of a challenge on one day (UTC): each may take hours of the cluster."""
MAX_SHORT_TIME = timedelta(minutes=10)
"""Up to this time limit of a run a cheat that only waits is part of every dry run."""
MAX_SHORT_OUTPUT_BYTES = 1024**3
"""The same of a cheat that writes more than a run may."""

NOT_NOW = "A dry run is made before a challenge is published: this one is {state}."
NOT_APPROVED = (
    "The site has not approved yet what this challenge runs on the cluster. Ask for a review first."
)
TOO_MANY = f"{MAX_PER_DAY} dry runs of this challenge were made today. Make the next one tomorrow."
CHANGED = "The challenge has changed at this moment. Start the dry run again."
ABSENT = (
    "The challenge names baselines or samples, and no dry run was made of them. Make one first."
)
OUTDATED = "What runs is otherwise than in dry run {number}. Make another one first."
UNFINISHED = "Dry run {number} has not ended."
WRONG = "Dry run {number} did not end as it has to: {what}."
NOTHING_TO_ACCEPT = "Nothing of this dry run is to be accepted: {why}."

SCORED = "scored"


class TrialRole(StrEnum):
    """Why something is submitted in a dry run."""

    BASELINE = "baseline"  #: others have to beat it
    SAMPLE = "sample"  #: it has to end in a known way
    ATTACK = "attack"  #: the portal's own cheat: it must gain nothing


class Verdict(StrEnum):
    """Whether a submission of a dry run ended as it has to."""

    PENDING = "pending"  #: not known yet
    RIGHT = "right"
    WRONG = "wrong"
    ACCEPTED = "accepted"  #: a cheat that gains something, and an owner says why that is right


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Between which scores one has to be; None: no bound on this side."""

    minimum: float | None = None
    maximum: float | None = None

    def has(self, value: float) -> bool:
        """Whether a score is between the bounds; they are right themselves."""
        above = self.minimum is None or value >= self.minimum
        return above and (self.maximum is None or value <= self.maximum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a submission has to come to. For a cheat: nothing but no good."""

    outcome: str = ""
    """``scored`` or a reason; empty where bounds are given, or for a cheat."""
    bounds: Mapping[str, Range] = field(default_factory=dict)
    may_score: bool = True
    """Whether a cheat can end with a score at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How far a submission is, all its tasks together."""

    state: EvaluationState
    """The one that says most of all its evaluations."""
    reason: FailureReason | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    """Exact; for organisers only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A submission of a dry run."""

    role: TrialRole
    expected: Expectation
    ending: Ending
    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of a submission of a dry run."""

    verdict: Verdict
    got: str
    """In words."""
    problem: str = ""
    """What is wrong with that, and what to do; empty where it is right."""


def check_may_start(state: ChallengeState, *, is_approved: bool, today: int) -> None:
    """Refuse a dry run that cannot be made. Raises ``ParticipantError``."""
    if state not in {ChallengeState.DRAFT, ChallengeState.IN_REVIEW}:
        word = state.value.replace("_", " ")
        raise ParticipantError(NOT_NOW.format(state=word), reason="state")
    if not is_approved:
        raise ParticipantError(NOT_APPROVED, reason="not_approved")
    if today >= MAX_PER_DAY:
        raise ParticipantError(TOO_MANY, reason="too_many")


def words_of(expected: Expectation, role: TrialRole, columns: Sequence[Column]) -> str:
    """Say what a submission has to come to."""
    if role is TrialRole.ATTACK:
        return "No score, or one worse than the baselines" if expected.may_score else "No score"
    if expected.bounds:
        digits = {column.key: column.precision for column in columns}
        return "; ".join(
            _range_words(key, one, digits.get(key, 6)) for key, one in expected.bounds.items()
        )
    return "Any score" if expected.outcome == SCORED else _title(FailureReason(expected.outcome))


def _range_words(key: str, bounds: Range, precision: int) -> str:
    low, high = (
        None if bound is None else written(bound, precision)
        for bound in (bounds.minimum, bounds.maximum)
    )
    if low is None:
        return f"{key} at most {high}"
    return f"{key} at least {low}" if high is None else f"{key} from {low} to {high}"


def judge(trials: Sequence[Trial], columns: Sequence[Column], *, accepted: bool) -> list[Finding]:
    """Return what came of each submission; ``accepted``: an owner has said that what cheats gain is right."""
    bars = _Bars(trials, columns)
    found = []
    for trial in trials:
        finding = (
            _of_attack(trial, bars, columns)
            if trial.role is TrialRole.ATTACK
            else _of_known(trial, columns)
        )
        if accepted and trial.role is TrialRole.ATTACK and finding.verdict is Verdict.WRONG:
            finding = Finding(verdict=Verdict.ACCEPTED, got=finding.got, problem=finding.problem)
        found.append(finding)
    return found


class _Bars:
    """The worst baseline of each phase, and of all where a phase has none."""

    def __init__(self, trials: Sequence[Trial], columns: Sequence[Column]) -> None:
        self._column = primary(columns)
        self._baselines = [one for one in trials if one.role is TrialRole.BASELINE]

    def worst(self, phase: str) -> float | None:
        """Return the score to beat in the column that ranks; None where no baseline has one."""
        here = [one for one in self._baselines if one.phase == phase] or self._baselines
        values = [
            one.ending.scores[self._column.key]
            for one in here
            if one.ending.state is EvaluationState.SCORED and self._column.key in one.ending.scores
        ]
        return min(values, key=lambda value: rank_value(value, self._column), default=None)

    @property
    def are_known(self) -> bool:
        """Whether every baseline has ended."""
        return all(one.ending.state.is_final for one in self._baselines)

    def beaten_by(self, value: float, phase: str) -> float | None:
        """Return the baseline that a score reaches; None where it stays below, or there is none."""
        worst = self.worst(phase)
        if worst is None:
            return None
        digits = self._column.precision
        reached, bar = (rank_value(rounded(one, digits), self._column) for one in (value, worst))
        return worst if reached >= bar else None


def _pending(ending: Ending) -> Finding | None:
    if ending.state is EvaluationState.HELD:
        return Finding(
            verdict=Verdict.PENDING,
            got="Needs attention",
            problem="The site's staff have to decide first what becomes of it.",
        )
    if not ending.state.is_final:
        return Finding(verdict=Verdict.PENDING, got="In progress")
    return None


def _of_known(trial: Trial, columns: Sequence[Column]) -> Finding:
    ending, expected = trial.ending, trial.expected
    if (pending := _pending(ending)) is not None:
        return pending
    got = _ending_words(ending, columns)
    if ending.state is EvaluationState.SCORED:
        if not expected.bounds:
            is_right = expected.outcome == SCORED
            return _found(got, "" if is_right else "It has a score and should have none.")
        return _found(got, _outside(expected.bounds, ending.scores))
    if ending.reason is not None and expected.outcome == ending.reason:
        return _found(got, "")
    if ending.reason is not None and not FAILURES[ending.reason].counts:
        return _found(got, _at_fault(ending.reason))
    return _found(got, "It ended in another way than the challenge says.")


def _of_attack(trial: Trial, bars: _Bars, columns: Sequence[Column]) -> Finding:
    ending = trial.ending
    if (pending := _pending(ending)) is not None:
        return pending
    got = _ending_words(ending, columns)
    if ending.state is not EvaluationState.SCORED:
        if ending.reason is not None and not FAILURES[ending.reason].counts:
            return _found(got, _at_fault(ending.reason))
        is_cancelled = ending.state is EvaluationState.CANCELLED
        return _found(got, "It was cancelled before it showed anything." if is_cancelled else "")
    if not trial.expected.may_score:
        return _found(got, "It has a score although nothing of it is to be scored.")
    if not bars.are_known:
        return Finding(verdict=Verdict.PENDING, got=got)
    return _found(got, _gain(trial, bars, columns))


def _gain(trial: Trial, bars: _Bars, columns: Sequence[Column]) -> str:
    column = primary(columns)
    value = trial.ending.scores.get(column.key)
    bar = None if value is None else bars.beaten_by(value, trial.phase)
    if value is None or bar is None:
        return ""
    mine, theirs = (written(one, column.precision) for one in (value, bar))
    word = "as good as" if mine == theirs else "better than"
    return (
        f"{mine} in {column.title} is {word} the baseline with {theirs}: the scorer gives points for"
        " an answer that nobody has worked for."
    )


_SCORERS = frozenset({FailureReason.SCORER_FAILED, FailureReason.BAD_SCORES})


def _at_fault(reason: FailureReason) -> str:
    if reason in _SCORERS:
        return (
            "The scorer failed where it should have refused the output with exit code 65: staff would be"
            " called each time, for what a team has brought about."
        )
    return "That was the site's fault. Make the dry run again."


def _outside(bounds: Mapping[str, Range], scores: Mapping[str, float]) -> str:
    wrong = [key for key, one in bounds.items() if key not in scores or not one.has(scores[key])]
    return f"Outside its bounds: {', '.join(wrong)}." if wrong else ""


def _ending_words(ending: Ending, columns: Sequence[Column]) -> str:
    if ending.state is EvaluationState.CANCELLED:
        return "Cancelled"
    if ending.state is EvaluationState.FAILED:
        return _title(ending.reason or FailureReason.INFRASTRUCTURE)
    shown = [
        f"{column.key} {written(ending.scores[column.key], column.precision)}"
        for column in columns
        if column.key in ending.scores
    ]
    return "Scored: " + ", ".join(shown)


def _title(reason: FailureReason) -> str:
    return f"{FAILURES[reason].title} ({reason})"


def _found(got: str, problem: str) -> Finding:
    return Finding(verdict=Verdict.WRONG if problem else Verdict.RIGHT, got=got, problem=problem)


def summary_of(findings: Sequence[Finding]) -> Verdict:
    """Return what a whole dry run came to: nothing is wrong before all of it has ended."""
    verdicts = {one.verdict for one in findings}
    for verdict in (Verdict.PENDING, Verdict.WRONG, Verdict.ACCEPTED):
        if verdict in verdicts:
            return verdict
    return Verdict.RIGHT


def check_may_accept(trials: Sequence[Trial], findings: Sequence[Finding]) -> None:
    """Refuse to accept what has not ended, or what is wrong with baselines and samples. Raises ``ParticipantError``."""
    pairs = list(zip(trials, findings, strict=True))
    if any(one.verdict is Verdict.PENDING for one in findings):
        raise ParticipantError(NOTHING_TO_ACCEPT.format(why="it has not ended"), reason="state")
    wrong = [trial.role for trial, one in pairs if one.verdict is Verdict.WRONG]
    if any(role is not TrialRole.ATTACK for role in wrong):
        why = "a baseline or a sample is wrong, which the bundle has to mend"
        raise ParticipantError(NOTHING_TO_ACCEPT.format(why=why), reason="state")
    if not wrong:
        raise ParticipantError(
            NOTHING_TO_ACCEPT.format(why="no cheat gains anything"), reason="state"
        )
