"""What an organiser may have meant otherwise: settings that are allowed, and that people have regretted."""

from collections.abc import Iterator
from datetime import datetime

from site_config.challenge import Challenge, PhaseLimits
from site_config.yaml_document import Key


def advice(challenge: Challenge, now: datetime) -> Iterator[tuple[Key, str]]:
    """Yield what to think about again, and where it stands."""
    yield from _phases(challenge, now)
    yield from _board(challenge)


def _phases(challenge: Challenge, now: datetime) -> Iterator[tuple[Key, str]]:
    for index, phase in enumerate(challenge.phases):
        here: Key = ("phases", index)
        if phase.end <= now:
            yield (*here, "end"), "lies in the past: nobody can submit to this phase"
        if phase.limits == PhaseLimits():
            yield (
                here,
                "has no limits: a team can submit without end, and each score tells something of the data",
            )
        if phase.late == "unranked" and phase.limits.total is None:
            yield (
                (*here, "late"),
                "has no 'total': late submissions go on for ever, and each score tells something of the data",
            )
        unsampled = [name for name in phase.tasks if challenge.tasks[name].sample is None]
        if phase.logs == "smoke" and unsampled:
            yield (
                here,
                f"task '{unsampled[0]}' has no 'sample': teams cannot try their programs before they count",
            )


def _board(challenge: Challenge) -> Iterator[tuple[Key, str]]:
    board = challenge.leaderboard
    here: Key = ("leaderboard", "columns") if board else ("columns",)
    ends = max(phase.end for phase in challenge.phases)
    early = (
        "lies before the end of the last phase: teams see private columns while they still submit"
    )
    if board is not None and board.reveal is not None and board.reveal < ends:
        yield ("leaderboard", "reveal"), early
    for index, column in enumerate(challenge.columns):
        if column.reveal is not None and column.reveal < ends:
            yield ("columns", index, "reveal"), early
    hidden = [
        one.key
        for one in challenge.scores
        if challenge.is_private(one.key) and not challenge.reveal_of(one.key)
    ]
    if hidden:
        yield here[:1], "has private columns and no 'reveal': teams never see them"
    for index, column in enumerate(challenge.scores):
        if column.compute is None and (column.min is None or column.max is None):
            yield (
                (*here, index),
                f"'{column.key}' has no 'min' and 'max': a score that cannot be right is taken",
            )
