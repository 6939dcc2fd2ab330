"""What leaves the site of a challenge: results with their evidence, ready to be written down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CrateResult:
    """One evaluation that was scored."""

    evaluation: str
    submission: str
    team_id: str
    team: str
    """The name under which the leaderboard shows it."""
    phase: str
    task: str
    kind: str
    filename: str
    upload_sha256: str
    """Of what was submitted."""
    upload_size: int
    is_kept: bool
    """Whether the upload is still there."""
    submitted_at: datetime
    scored_at: datetime
    scores: Mapping[str, float]
    """As the scorer wrote them."""
    record: Mapping[str, Any]
    """The seal record."""
    envelope: str | None
    """The record as it was signed."""
    rerun_of: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place on a leaderboard."""

    rank: int | None
    """None where it is shown without one."""
    team: str
    submission: str
    scores: Mapping[str, float]
    """As people see them."""
    achieved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A leaderboard, of one or several phases."""

    phase: str
    """Its short name, which is that of its phase where each has one."""
    title: str
    starts_at: datetime
    ends_at: datetime
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrateFacts:
    """A challenge, or what one evaluation says of it."""

    slug: str
    title: str
    terms: str
    """Markdown, as the organisers wrote it; empty without."""
    pages: Mapping[str, str]
    """What they wrote, in Markdown, by its short name; empty for a single evaluation."""
    columns: tuple[Mapping[str, Any], ...]
    boards: tuple[Board, ...]
    """Empty for a single evaluation."""
    results: tuple[CrateResult, ...]
