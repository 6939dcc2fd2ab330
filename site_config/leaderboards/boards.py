"""What an organiser writes of scores and of the boards that rank by them."""

import math
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from site_config.fields import Identifier, Moment, ScoreKey, Section, Title

MAX_COLUMNS = 30
MAX_BOARDS = 50
MAX_PICKS = 20


class Compute(Section):
    """How a column is worked out from others, over all tasks of a submission; exactly one of these."""

    weighted: dict[ScoreKey, float] = Field(
        default={}, description="Columns with their weights: the sum of the products."
    )
    sum: tuple[ScoreKey, ...] = Field(default=(), description="Columns that are added up.")
    mean: tuple[ScoreKey, ...] = Field(default=(), description="Columns whose mean counts.")
    min: tuple[ScoreKey, ...] = Field(default=(), description="Columns whose smallest counts.")
    max: tuple[ScoreKey, ...] = Field(default=(), description="Columns whose largest counts.")
    geometric_mean: tuple[ScoreKey, ...] = Field(
        default=(), description="Columns whose geometric mean counts; a negative score gives none."
    )

    @model_validator(mode="after")
    def _one_operation(self) -> Self:
        used = [(name, value) for name, value in dict(self).items() if value]
        if len(used) != 1:
            raise ValueError("needs exactly one way, such as 'mean', with the keys of columns")
        if len(set(self.inputs)) < len(self.inputs):
            raise ValueError("names the same column twice")
        if not all(math.isfinite(weight) for weight in self.weighted.values()):
            raise ValueError("needs weights that are numbers")
        return self

    @property
    def operation(self) -> str:
        """Return the name of the way in which it is worked out."""
        return next(name for name, value in dict(self).items() if value)

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the columns that it is made of; each counts once where none has a weight."""
        keys: tuple[str, ...] = getattr(self, self.operation) if not self.weighted else ()
        return self.weighted or dict.fromkeys(keys, 1.0)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the keys of the columns that it is made of."""
        return tuple(self.weighted) or getattr(self, self.operation)


class Column(Section):
    """A score that a scorer writes or that is worked out from others."""

    key: ScoreKey = Field(
        description="Name of the column; without `from` also its key in scores.json."
    )
    title: Title | None = Field(default=None, description="Heading; the key without it.")
    sort: Literal["asc", "desc"] = Field(
        default="desc", description="`desc`: more is better; `asc`: less is better."
    )
    precision: int = Field(default=3, ge=0, le=12, description="Digits shown after the point.")
    unit: Title | None = Field(default=None, description="Unit, shown beside the heading.")
    min: float | None = Field(default=None, description="Smallest value that can be right.")
    max: float | None = Field(default=None, description="Largest value that can be right.")
    task: Identifier | None = Field(
        default=None,
        description="The task that gives it; needed where a phase with several tasks has the key.",
    )
    source: ScoreKey | None = Field(
        default=None,
        alias="from",
        description="Key in scores.json, where several tasks write the same key; `key` without.",
    )
    compute: Compute | None = Field(
        default=None, description="How it is worked out; the scorer writes it without."
    )
    primary: bool = Field(
        default=False,
        description="Under `leaderboard` only: ranks the table; exactly one column does.",
    )
    private: bool = Field(
        default=False,
        description="Seen by organisers only until the time of `reveal`; for ever without it.",
    )
    reveal: Moment | None = Field(
        default=None,
        description=(
            "Under the challenge's `columns` only: when a private column is shown; when the first"
            " board with a `reveal` ranks by it, without."
        ),
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError("'min' must be less than 'max'")
        if self.compute is not None and (self.task is not None or self.source is not None):
            raise ValueError("'compute' goes without 'task' and 'from': other columns give it")
        if self.reveal is not None and not self.private:
            raise ValueError("'reveal' belongs to 'private: true'")
        return self

    @property
    def heading(self) -> str:
        """Return what stands over it."""
        return self.title or self.key


class Ladder(Section):
    """Show a new best only if it is better than the last one shown by a step."""

    eta: float = Field(
        gt=0, allow_inf_nan=False, description="The step, in the unit of the column that ranks."
    )


class Rank(Section):
    """What a board ranks by: a column, or the mean of the ranks in several."""

    by: ScoreKey | None = Field(default=None, description="The column that ranks.")
    ties: tuple[ScoreKey, ...] = Field(
        default=(),
        max_length=10,
        description="With `by`: columns that decide between equal values, one after the other.",
    )
    mean_rank: tuple[ScoreKey, ...] = Field(
        default=(),
        max_length=MAX_COLUMNS,
        description="Instead of `by`: columns in each of which teams are ranked; the mean of these ranks counts.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.by is None) == (not self.mean_rank):
            raise ValueError("needs either 'by' or 'mean_rank'")
        if self.mean_rank and self.ties:
            raise ValueError("'ties' belongs to 'by'")
        if len(set(self.keys)) < len(self.keys):
            raise ValueError("names the same column twice")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """Return all columns that it takes to rank."""
        return (*filter(None, [self.by]), *self.ties, *self.mean_rank)


class Eligible(Section):
    """Who is ranked; the others are shown without a rank."""

    not_: Literal["organisers"] | None = Field(
        default=None,
        alias="not",
        description="`organisers`: teams with a member who works for the challenge are not ranked.",
    )


class Board(Section):
    """A ranking of one or several phases."""

    id: Identifier = Field(description="Short name, part of addresses.")
    title: Title | None = Field(default=None, description="Title; the id without it.")
    phases: tuple[Identifier, ...] = Field(
        min_length=1,
        max_length=50,
        description="Ids of phases; which submission of a team counts is chosen over all of them.",
    )
    rank: Rank = Field(description="What it ranks by.")
    columns: tuple[ScoreKey, ...] = Field(
        default=(),
        max_length=MAX_COLUMNS,
        description="Keys of columns that it shows; all without.",
    )
    counts: Literal["best", "last", "best_of_last", "chosen", "all"] = Field(
        default="best",
        description=(
            "Which submission of a team counts. `best_of_last`: the best of the last `of_last`;"
            " `chosen`: the best of up to `picks` that the team has chosen, and its best on the board"
            " of `compare` where it has chosen none; `all`: each has a place of its own."
        ),
    )
    picks: int = Field(
        default=1, ge=1, le=MAX_PICKS, description="With `counts: chosen`: how many a team chooses."
    )
    of_last: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="With `counts: best_of_last`: how many of the last submissions.",
    )
    audience: Literal["everybody", "participants", "own", "organisers"] | None = Field(
        default=None,
        description=(
            "Who sees it; as the narrowest `leaderboard` of its phases without. `own`: each team sees"
            " its own scores, and no rank."
        ),
    )
    eligible: Eligible = Field(default=Eligible(), description="Who is ranked.")
    reveal: Moment | None = Field(
        default=None,
        description="From when on others than organisers see it; from the start without.",
    )
    compare: Identifier | None = Field(
        default=None,
        description="Another board: each row also shows the rank there, and a plot shows the shake-up.",
    )
    freeze: Moment | None = Field(
        default=None,
        description="From when on others than organisers see it as it was then; never without.",
    )
    anonymous: Moment | None = Field(
        default=None,
        description="Until when names of other teams are not shown; never without.",
    )
    ladder: Ladder | None = Field(
        default=None,
        description=(
            "Show a new best of a team only if it is better by a step; needs `counts: best` and phases"
            " that are on no other board."
        ),
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for key, word in (("picks", "chosen"), ("of_last", "best_of_last")):
            if key in self.model_fields_set and self.counts != word:
                raise ValueError(f"'{key}' belongs to 'counts: {word}'")
        if self.counts == "best_of_last" and "of_last" not in self.model_fields_set:
            raise ValueError("'counts: best_of_last' needs 'of_last'")
        if self.ladder is not None and (self.counts != "best" or self.rank.by is None):
            raise ValueError("'ladder' needs 'counts: best' and 'rank.by'")
        if len(set(self.phases)) < len(self.phases):
            raise ValueError("names the same phase twice")
        if self.compare == self.id:
            raise ValueError("'compare' must name another board")
        missing = [key for key in self.rank.keys if self.columns and key not in self.columns]
        if missing:
            raise ValueError(f"'columns' must show what ranks: {', '.join(missing)}")
        return self

    @property
    def heading(self) -> str:
        """Return its title."""
        return self.title or self.id


class Leaderboard(Section):
    """One board for each phase: the short form of `columns` and `boards`."""

    rule: Literal["best", "last", "chosen"] = Field(
        default="best", description="Which submission of a team counts; `chosen`: the team says."
    )
    reveal: Moment | None = Field(
        default=None, description="When private columns are shown; never without it."
    )
    ladder: Ladder | None = Field(
        default=None,
        description="Show a new best of a team only if it is better by a step; needs `rule: best`.",
    )
    columns: tuple[Column, ...] = Field(
        min_length=1, max_length=MAX_COLUMNS, description="The scores."
    )

    @model_validator(mode="after")
    def _one_primary(self) -> Self:
        if sum(column.primary for column in self.columns) != 1:
            raise ValueError("exactly one column must have 'primary: true'")
        if len({column.key for column in self.columns}) < len(self.columns):
            raise ValueError("every column must have a key of its own")
        if any(column.reveal for column in self.columns):
            raise ValueError("'reveal' of a column needs 'columns' of the challenge")
        return self

    @model_validator(mode="after")
    def _ladder_fits(self) -> Self:
        if self.ladder is None:
            return self
        if self.rule != "best":
            raise ValueError("'ladder' needs 'rule: best'")
        if self.ladder.eta < 10.0**-self.primary.precision:
            raise ValueError(
                "'ladder.eta' must not be finer than the digits that the primary column shows"
            )
        return self

    @model_validator(mode="after")
    def _choice_is_possible(self) -> Self:
        if self.rule == "chosen" and is_private(self.primary.key, self.columns):
            raise ValueError(
                "'rule: chosen' over a private column needs 'boards': there 'compare' says what counts without a choice"
            )
        return self

    @property
    def primary(self) -> Column:
        """Return the column that ranks."""
        return next(column for column in self.columns if column.primary)


def is_private(key: str, columns: tuple[Column, ...]) -> bool:
    """Whether a column is private, or worked out from one that is."""
    return any(column.private for column in made_of(key, columns))


def reveal_of(key: str, columns: tuple[Column, ...], boards: tuple[Board, ...]) -> Moment | None:
    """Return when a private column is shown; None: never. What it is worked out from has to be shown as well."""
    private = [column for column in made_of(key, columns) if column.private]
    found = [column.reveal or _revealed_with(column, columns, boards) for column in private]
    times = [moment for moment in found if moment is not None]
    return max(times) if times and len(times) == len(found) else None


def _revealed_with(
    column: Column, columns: tuple[Column, ...], boards: tuple[Board, ...]
) -> Moment | None:
    """Return when the first board is revealed that ranks by a column, or by one that is worked out from it."""
    times = [
        board.reveal
        for board in boards
        if board.reveal and any(column in made_of(key, columns) for key in board.rank.keys)
    ]
    return min(times, default=None)


def made_of(key: str, columns: tuple[Column, ...]) -> list[Column]:
    """Return a column and all that it is worked out from, directly or not."""
    by_key = {column.key: column for column in columns}
    found: dict[str, Column] = {}
    pending = [key]
    while pending:
        column = by_key.get(pending.pop())
        if column is None or column.key in found:
            continue
        found[column.key] = column
        pending += column.compute.inputs if column.compute else ()
    return list(found.values())


def goes_in_circles(key: str, columns: tuple[Column, ...]) -> bool:
    """Whether a column is worked out from itself."""
    own = next((column for column in columns if column.key == key), None)
    inputs = own.compute.inputs if own and own.compute else ()
    return any(key in {one.key for one in made_of(inner, columns)} for inner in inputs)
