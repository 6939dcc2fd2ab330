"""What an organiser writes in ``challenge.yaml``. ``docs/reference/challenge-yaml.md`` is made from this."""

from datetime import timedelta
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from site_config.fields import (
    HttpUrl,
    Identifier,
    InnerPath,
    Moment,
    ScoreKey,
    Section,
    Sha256,
    TimeZone,
    Title,
)
from site_config.gates import Claims
from site_config.leaderboards.boards import (
    MAX_BOARDS,
    MAX_COLUMNS,
    Board,
    Column,
    Leaderboard,
    is_private,
    reveal_of,
)
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


Readers = Literal["everybody", "participants"]
"""For whom a page or a file is."""
_READERS = "`everybody`; or `participants`: who takes part, which is whoever is logged in where everybody may join."


class Page(Section):
    """A page of the challenge."""

    title: Title = Field(description="Title, shown in the challenge's menu.")
    file: InnerPath = Field(
        description=(
            "Markdown file in the challenge's directory. Its pictures are PNG, JPEG, GIF or WebP files there, named"
            " relative to the page, each with a description."
        )
    )
    readers: Readers = Field(default="everybody", alias="for", description=_READERS)


class Download(Section):
    """A file that people can download, or the address of one elsewhere."""

    title: Title = Field(description="What it is.")
    file: InnerPath | None = Field(
        default=None, description="A file in the challenge's directory; or else `url`."
    )
    url: HttpUrl | None = Field(
        default=None, description="Where the file is, for one that is not in the bundle."
    )
    sha256: Sha256 | None = Field(
        default=None, description="With `url`: its digest, so that people can check what they got."
    )
    readers: Readers = Field(default="everybody", alias="for", description=_READERS)

    @model_validator(mode="after")
    def _from_one_place(self) -> Self:
        if (self.file is None) == (self.url is None):
            raise ValueError("needs either 'file' or 'url'")
        if self.sha256 is not None and self.url is None:
            raise ValueError("'sha256' belongs to 'url': that of a file in the bundle is computed")
        return self


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
    per_week: int | None = Field(
        default=None, ge=1, description="Submissions per week, from Monday to Sunday (UTC)."
    )
    total: int | None = Field(default=None, ge=1, description="Submissions in the whole phase.")
    running: int | None = Field(default=None, ge=1, description="Submissions not yet scored.")
    failed_per_day: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Submissions per day (UTC) that fail by the team's own doing: with it those count here"
            " and in no other limit, without it they count like all others. With `failures: sealed`"
            " only what failed before it could read private data counts here."
        ),
    )


class After(Section):
    """What a team needs in another phase before it can submit to this one."""

    phase: Identifier = Field(description="The `id` of a phase that is listed before this one.")
    needs: Literal["scored", "rank", "organisers"] = Field(
        default="scored",
        description=(
            "`scored`: a submission there that has a score; `rank`: a place among the first there,"
            " once that phase is over; `organisers`: that the organisers have admitted the team."
        ),
    )
    rank: int | None = Field(
        default=None, ge=1, description="With `needs: rank`: the last rank that is enough."
    )

    @model_validator(mode="after")
    def _rank_with_needs(self) -> Self:
        if (self.needs == "rank") != (self.rank is not None):
            raise ValueError("'rank' belongs to 'needs: rank', and one needs the other")
        return self


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
    after: After | None = Field(
        default=None, description="What a team needs in another phase before it can submit here."
    )
    late: Literal["refused", "unranked"] = Field(
        default="refused",
        description=(
            "What becomes of a submission after the end: `unranked`: it is evaluated, and stands"
            " without a rank where its team has nothing ranked."
        ),
    )
    late_until: Moment | None = Field(
        default=None,
        description="With `late: unranked`: until when; without it until the challenge is closed.",
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
        if self.late_until is not None and self.late != "unranked":
            raise ValueError("'late_until' needs 'late: unranked'")
        if self.late_until is not None and self.late_until <= self.end:
            raise ValueError("'late_until' must be later than 'end'")
        return self


class Question(Section):
    """A field of the form of a submission."""

    key: ScoreKey = Field(description="Its name, for programs and files.")
    title: Title = Field(description="What stands above the field.")
    help: Title | None = Field(default=None, description="What stands below it, to explain it.")
    type: Literal["text", "number", "choice", "checkbox", "url"] = Field(
        default="text",
        description="`text`: one line; `url`: an address that begins with https://.",
    )
    choices: tuple[Title, ...] | None = Field(
        default=None,
        min_length=2,
        max_length=50,
        description="With `type: choice`: the answers. Put `yes` and `no` in quotes.",
    )
    required: bool = Field(
        default=False,
        description="Whether nothing is submitted without an answer; of a checkbox: without a tick.",
    )
    board: bool = Field(
        default=False,
        description="Whether whoever sees the leaderboard sees the answer; else its team and organisers.",
    )
    until: Moment | None = Field(
        default=None,
        description="Until when the team can change its answer; until the phase ends without.",
    )

    @model_validator(mode="after")
    def _choices_with_type(self) -> Self:
        if (self.type == "choice") != (self.choices is not None):
            raise ValueError("'choices' belongs to 'type: choice', and one needs the other")
        if self.choices is not None and len(set(self.choices)) < len(self.choices):
            raise ValueError("'choices' has the same answer twice")
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
    summary: Title | None = Field(
        default=None, description="One sentence for the list of challenges."
    )
    logo: InnerPath | None = Field(
        default=None, description="A picture (PNG, JPEG, GIF or WebP) beside the title."
    )
    pages: tuple[Page, ...] = Field(min_length=1, max_length=50, description="Pages, in order.")
    files: tuple[Download, ...] = Field(
        default=(), max_length=100, description="What people can download, in order."
    )
    timezone: TimeZone | None = Field(
        default=None,
        description="A time zone such as `Europe/Berlin`, in which dates are shown beside UTC.",
    )
    terms: InnerPath | None = Field(
        default=None, description="Markdown file with the rules that participants accept."
    )
    join: Join = Field(default=Join(), description="Who may take part.")
    teams: Teams = Field(default=Teams(), description="How people team up.")
    q_and_a: Literal["nobody", "participants", "everybody"] = Field(
        default="nobody",
        description=(
            "Questions to the organisers: `nobody` asks any; else participants ask, and the public answers are for"
            " `participants`, or for `everybody` who sees the challenge."
        ),
    )
    tasks: dict[Identifier, Task] = Field(
        min_length=1, max_length=20, description="The tasks, by name."
    )
    questions: tuple[Question, ...] = Field(
        default=(), max_length=12, description="The form of a submission, in order."
    )
    phases: tuple[Phase, ...] = Field(min_length=1, max_length=50, description="The phases.")
    leaderboard: Leaderboard | None = Field(
        default=None,
        description="One board for each phase. The short form: `columns` and `boards` say more.",
    )
    columns: tuple[Column, ...] = Field(
        default=(), max_length=MAX_COLUMNS, description="The scores, with `boards`."
    )
    boards: tuple[Board, ...] = Field(
        default=(), max_length=MAX_BOARDS, description="The rankings, instead of `leaderboard`."
    )
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

    @model_validator(mode="after")
    def _overview_for_everybody(self) -> Self:
        if self.pages[0].readers != "everybody":
            raise ValueError("the first page of 'pages' is the overview, which is for everybody")
        return self

    @field_validator("files")
    @classmethod
    def _each_once(cls, files: tuple[Download, ...]) -> tuple[Download, ...]:
        if len({one.file or one.url for one in files}) < len(files):
            raise ValueError("has the same file or address twice")
        return files

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.leaderboard is None) == (not self.boards):
            raise ValueError("needs either 'leaderboard' or 'columns' and 'boards'")
        if bool(self.columns) != bool(self.boards):
            raise ValueError("'columns' and 'boards' need each other")
        if any(column.primary for column in self.columns):
            raise ValueError("'primary' belongs to 'leaderboard': each board says what it ranks by")
        return self

    @property
    def scores(self) -> tuple[Column, ...]:
        """Return the columns, whatever form they are written in."""
        return self.leaderboard.columns if self.leaderboard else self.columns

    def is_private(self, key: str) -> bool:
        """Whether a column is private, or worked out from one that is."""
        return is_private(key, self.scores)

    def reveal_of(self, key: str) -> Moment | None:
        """Return when a private column is shown; None: never."""
        if self.leaderboard is not None:
            return self.leaderboard.reveal
        return reveal_of(key, self.columns, self.boards)
