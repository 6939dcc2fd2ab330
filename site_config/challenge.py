"""What an organiser writes in ``challenge.yaml``. ``docs/reference/challenge-yaml.md`` is made from this."""

from datetime import timedelta
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from site_config.fields import Identifier, InnerPath, Moment, ScoreKey, Section, Title
from site_config.gates import Claims
from site_config.trials import Baseline, Sample
from site_config.units import Duration, Size
from site_config.value_kinds import Kind

WORD_LIMIT = 1000
"""Letters that one argument of a submission's program may have."""


def _check_argv(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not all(word.isprintable() and len(word) <= WORD_LIMIT for word in argv):
        raise ValueError(
            f"must be words without control characters, up to {WORD_LIMIT} letters each"
        )
    if not argv[0].startswith("/"):
        raise ValueError("must start with the program's absolute path inside the image")
    return argv


Argv = Annotated[
    tuple[str, ...],
    Kind("list of words"),
    Field(min_length=1, max_length=64),
    AfterValidator(_check_argv),
]
"""A program, by its absolute path inside an image, and its arguments."""


class SubmissionKind(StrEnum):
    """What a team submits."""

    IMAGE = "image"
    CODE = "code"
    RESULTS = "results"


class Page(Section):
    """A page of the challenge."""

    title: Title = Field(description="Title, shown in the challenge's menu.")
    file: InnerPath = Field(description="Markdown file in the challenge's directory.")


class Join(Section):
    """Who may take part."""

    policy: Literal["open", "approve", "claims"] = Field(
        default="open",
        description=(
            "`open`: everybody who is logged in; `approve`: whom an organiser lets in; `claims`:"
            " whose login carries the claims below."
        ),
    )
    claims: Claims = Field(
        default={}, description="With `policy: claims`: the claims, all of which count."
    )
    rule: Title | None = Field(
        default=None,
        description="With `policy: claims`: the rule in words; a person who is refused is shown it.",
    )
    ask: Title | None = Field(
        default=None, description="Whom people can ask about joining; the site's support without."
    )

    @model_validator(mode="after")
    def _claims_with_policy(self) -> Self:
        if (self.policy == "claims") != bool(self.claims):
            raise ValueError("'claims' belongs to 'policy: claims', and one needs the other")
        return self


class Teams(Section):
    """How people team up."""

    max_size: int = Field(default=1, ge=1, le=100, description="Most members of one team.")
    freeze: Moment | None = Field(
        default=None,
        description="From when on nobody joins, leaves or merges teams; never without it.",
    )


class Source(Section):
    """Private data that the sysadmin has allowed for this challenge."""

    data: Identifier = Field(description="A name under `data` in site.yaml.")


class Archive(Section):
    """A container image in the challenge's directory."""

    image: InnerPath = Field(description="SIF, or an archive from `docker save` or `podman save`.")


class Predict(Section):
    """How a submission is run."""

    profile: Identifier = Field(description="A name under `profiles` in site.yaml.")
    argv: Argv = Field(
        default=("/app/predict",),
        description="Program and arguments inside the image; no shell is involved.",
    )


class Score(Section):
    """How an output is compared with the truth."""

    profile: Identifier = Field(description="A name under `profiles` in site.yaml.")
    argv: Argv = Field(
        default=("/app/score",), description="Program and arguments inside the scorer's image."
    )


class Outputs(Section):
    """What a run has to leave in /output, and how much it may."""

    max: Size | None = Field(
        default=None, description="Size of all files; at most the site's limit."
    )
    files: int | None = Field(
        default=None, ge=1, description="Number of files and directories; at most the site's limit."
    )
    required: tuple[InnerPath, ...] = Field(
        min_length=1, max_length=100, description="Files that must be there."
    )

    @field_validator("required")
    @classmethod
    def _distinct(cls, required: tuple[PurePosixPath, ...]) -> tuple[PurePosixPath, ...]:
        if len(set(required)) < len(required):
            raise ValueError("has the same file twice")
        return required


class Task(Section):
    """Private input, truth, a scorer, and the resources to run them with."""

    input: Source = Field(description="What the submission reads at /input.")
    truth: Source = Field(description="What only the scorer reads, at /input/ref.")
    sample: InnerPath | None = Field(
        default=None, description="Directory with public data, for runs on the sample."
    )
    scorer: Archive = Field(description="The image that writes scores.json.")
    base: Archive | None = Field(
        default=None, description="The image over which submissions of kind `code` are laid."
    )
    predict: Predict = Field(description="How a submission is run.")
    score: Score = Field(description="How its output is scored.")
    outputs: Outputs = Field(description="What a run has to leave.")


class PhaseLimits(Section):
    """How often a team may submit in a phase."""

    per_day: int | None = Field(default=None, ge=1, description="Submissions per day (UTC).")
    total: int | None = Field(default=None, ge=1, description="Submissions in the whole phase.")
    running: int | None = Field(default=None, ge=1, description="Submissions not yet scored.")


class Phase(Section):
    """A time window with its own tasks, limits and feedback."""

    id: Identifier = Field(description="Short name, part of addresses.")
    title: Title | None = Field(default=None, description="Title; the id without it.")
    start: Moment = Field(description="From when on submissions are taken: `2026-12-01T00:00Z`.")
    end: Moment = Field(description="From when on none are taken any more.")
    tasks: tuple[Identifier, ...] = Field(min_length=1, description="Names under `tasks`.")
    kinds: tuple[SubmissionKind, ...] = Field(min_length=1, description="What may be submitted.")
    limits: PhaseLimits = Field(
        default=PhaseLimits(), description="How often a team may submit; no limit without."
    )
    leaderboard: Literal["public", "participants", "organisers", "hidden"] = Field(
        default="public",
        description=(
            "Who sees the leaderboard. `organisers`: only they and staff; `hidden`: the same, and"
            " nobody else is informed that there is one."
        ),
    )
    feedback: Literal["scores", "none"] = Field(
        default="scores",
        description="What a team sees of its own submission: `scores`, or `none`: only its state.",
    )
    logs: Literal["smoke", "sealed"] = Field(
        default="smoke",
        description="`smoke`: runs on the public sample show their log; `sealed`: nothing does.",
    )

    failures: Literal["typed", "sealed"] = Field(
        default="sealed",
        description=(
            "What a team is shown of a failure: `sealed`: for all that the private data can have"
            " brought about the same sentence, and times only to `time_step`; `typed`: the reason,"
            " for phases whose data is no secret."
        ),
    )
    time_step: Duration = Field(
        default=timedelta(minutes=5),
        description="With `failures: sealed`: up to which step the length of a run is rounded.",
    )
    hold_results: bool = Field(
        default=False,
        description=(
            "With `failures: sealed`: take the end of a run in only after a whole number of"
            " `time_step`; otherwise whoever keeps looking sees when it ended."
        ),
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise ValueError("'end' must be later than 'start'")
        return self


class Column(Section):
    """A score that the scorer writes and the leaderboard shows."""

    key: ScoreKey = Field(description="Key in scores.json.")
    title: Title = Field(description="Heading of the column.")
    sort: Literal["asc", "desc"] = Field(
        default="desc", description="`desc`: more is better; `asc`: less is better."
    )
    precision: int = Field(default=3, ge=0, le=12, description="Digits shown after the point.")
    min: float | None = Field(default=None, description="Smallest value that can be right.")
    max: float | None = Field(default=None, description="Largest value that can be right.")
    primary: bool = Field(default=False, description="Ranks the table; exactly one column does.")
    private: bool = Field(
        default=False,
        description="Seen by organisers only until the time of `reveal`; for ever without it.",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError("'min' must be less than 'max'")
        return self


class Ladder(Section):
    """Show a new best only if it is better than the last one shown by a step."""

    eta: float = Field(
        gt=0, allow_inf_nan=False, description="The step, in the unit of the primary column."
    )


class Leaderboard(Section):
    """How submissions are ranked and what the table shows."""

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
    columns: tuple[Column, ...] = Field(min_length=1, max_length=30, description="The scores.")

    @model_validator(mode="after")
    def _one_primary(self) -> Self:
        if sum(column.primary for column in self.columns) != 1:
            raise ValueError("exactly one column must have 'primary: true'")
        if len({column.key for column in self.columns}) < len(self.columns):
            raise ValueError("every column must have a key of its own")
        return self

    @model_validator(mode="after")
    def _ladder_fits(self) -> Self:
        if self.ladder is None:
            return self
        if self.rule != "best":
            raise ValueError("'ladder' needs 'rule: best'")
        column = next(column for column in self.columns if column.primary)
        if self.ladder.eta < 10.0**-column.precision:
            raise ValueError(
                "'ladder.eta' must not be finer than the digits that the primary column shows"
            )
        return self


class Retention(Section):
    """How long what belongs to submissions is kept after the end of the last phase."""

    uploads: Duration | None = Field(
        default=None, description="What was submitted; the site's default without."
    )
    images: Duration | None = Field(default=None, description="The images made of it.")
    outputs: Duration | None = Field(default=None, description="What runs wrote.")
    logs: Duration | None = Field(default=None, description="What runs printed.")


class Challenge(Section):
    """A challenge as its organisers describe it."""

    schema_version: Annotated[Literal["1"], Kind("one of `1`", "1", or_number=True)] = Field(
        alias="schema", description="Version of this format: 1."
    )
    slug: Identifier = Field(description="Name of the challenge in addresses; never changes.")
    title: Title = Field(description="Title.")
    pages: tuple[Page, ...] = Field(min_length=1, max_length=50, description="Pages, in order.")
    terms: InnerPath | None = Field(
        default=None, description="Markdown file with the rules that participants accept."
    )
    join: Join = Field(default=Join(), description="Who may take part.")
    teams: Teams = Field(default=Teams(), description="How people team up.")
    tasks: dict[Identifier, Task] = Field(
        min_length=1, max_length=20, description="The tasks, by name."
    )
    phases: tuple[Phase, ...] = Field(min_length=1, max_length=50, description="The phases.")
    leaderboard: Leaderboard = Field(description="How submissions are ranked.")
    baselines: tuple[Baseline, ...] = Field(
        default=(),
        max_length=20,
        description="Submissions that others have to beat; the dry run looks what they get.",
    )
    samples: tuple[Sample, ...] = Field(
        default=(),
        max_length=50,
        description="Submissions that the dry run makes, to see that each ends as it has to.",
    )
    retention: Retention = Field(
        default=Retention(),
        description="How long files are kept after the end of the last phase; the site may say less.",
    )
