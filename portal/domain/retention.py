"""How long what belongs to a submission is kept: counted from when nobody can need it any more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class ArtifactKind(StrEnum):
    """What is kept for a while. Results, scores and seal records are kept for ever."""

    UPLOAD = "upload"
    IMAGE = "image"
    OUTPUT = "output"
    LOG = "log"


KEYS: Mapping[ArtifactKind, str] = {
    ArtifactKind.UPLOAD: "uploads",
    ArtifactKind.IMAGE: "images",
    ArtifactKind.OUTPUT: "outputs",
    ArtifactKind.LOG: "logs",
}
"""What the settings call them."""

RetentionRequest = Mapping[str, Any]
"""What a challenge asks for, as it is stored: seconds by ``KEYS``; what is absent is not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """How long, and by which rule. None: for ever."""

    lasts: timedelta | None
    source: str

    def due_at(self, ended_at: datetime) -> datetime | None:
        """Return when it goes, counted from the end of its last phase."""
        return None if self.lasts is None else ended_at + self.lasts

    def in_words(self, kind: ArtifactKind) -> str:
        """Say the rule, for the record of a deletion."""
        if self.lasts is None:
            return f"{KEYS[kind]}: for ever; {self.source}"
        days = self.lasts / timedelta(days=1)
        return f"{KEYS[kind]}: {days:g} days after the end of the challenge; {self.source}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A site's rules, by kind; a kind that is not there is kept for ever."""

    default: Mapping[ArtifactKind, timedelta]
    """Where a challenge says nothing."""
    longest: Mapping[ArtifactKind, timedelta]
    """The most that a challenge may ask for."""
    refused: timedelta = timedelta(days=7)
    """How long an upload is kept that no submission was made of."""

    def period(self, kind: ArtifactKind, request: RetentionRequest) -> Period:
        """Return how long a kind is kept for a challenge, and whose word that is."""
        seconds, longest = request.get(KEYS[kind]), self.longest.get(kind)
        own = None if seconds is None else timedelta(seconds=seconds)
        lasts = self.default.get(kind) if own is None else own
        if longest is not None and (lasts is None or lasts > longest):
            return Period(lasts=longest, source="the most that this site keeps")
        source = "this site's default" if own is None else "the challenge's retention"
        return Period(lasts=lasts, source=source)


FOR_EVER = Policy(default={}, longest={})
"""Deletes nothing but what was refused."""
