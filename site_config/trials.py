"""What organisers try a challenge with before it opens: baselines, and samples of what has to go wrong."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from site_config.fields import Identifier, InnerPath, ScoreKey, Section, Title
from site_config.value_kinds import Kind


class ExpectedOutcome(StrEnum):
    """How an evaluation ends, as far as organisers can expect that: not by a fault of the site."""

    SCORED = "scored"
    BAD_ARCHIVE = "bad_archive"
    BUILD_FAILED = "build_failed"
    UNSIGNED = "unsigned"
    ENVIRONMENT = "environment"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_START = "image_start"
    EXIT_CODE = "exit_code"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    NO_OUTPUT = "no_output"
    OUTPUT_LIMIT = "output_limit"
    BAD_OUTPUT_ENTRY = "bad_output_entry"
    BAD_OUTPUT = "bad_output"
    UNFINISHED = "unfinished"


class Bounds(Section):
    """For each column between which scores it has to be; the bounds themselves are right."""

    min: float | None = Field(default=None, description="Smallest score that is right.")
    max: float | None = Field(default=None, description="Largest score that is right.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("needs 'min', 'max' or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("'min' must not be more than 'max'")
        return self


def _form(value: object) -> str:
    return "scores" if isinstance(value, dict) else "outcome"


Expected = Annotated[
    Annotated[ExpectedOutcome, Tag("outcome")]
    | Annotated[dict[ScoreKey, Bounds], Field(min_length=1), Tag("scores")],
    Kind(f"one of {', '.join(f'`{outcome}`' for outcome in ExpectedOutcome)}; or bounds by column"),
    Discriminator(_form),
]
"""A word, or for some columns between which scores they have to be."""

TrialKind = Literal["image", "code", "results"]


class Sample(Section):
    """A file that is submitted in the dry run, and how that has to end. Nobody can download it."""

    file: InnerPath = Field(description="What is submitted: a file in the challenge's directory.")
    kind: TrialKind = Field(description="What the file is.")
    title: Title | None = Field(
        default=None, description="What the report calls it; the file's name without."
    )
    phase: Identifier | None = Field(
        default=None, description="To which phase; the first one that takes its kind without."
    )
    expect: Expected = Field(
        description="`scored`, the reason of the failure, or bounds of the scores that it has to get."
    )

    @property
    def name(self) -> str:
        """Return what people call it."""
        return self.title or self.file.name


class Baseline(Sample):
    """A submission that others have to beat. The dry run submits it and compares its scores; nobody can download it."""

    expect: Expected = Field(
        default=ExpectedOutcome.SCORED,
        description="Bounds of the scores that it has to get, or `scored`: whatever they are.",
    )
    board: bool = Field(
        default=False,
        description="Show it on the board, marked as a baseline and without a rank, once the challenge is published.",
    )
