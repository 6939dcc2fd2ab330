"""What teams submitted, and what came of it."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db.tables.accounts import Person
from portal.db.tables.base import Base, Digest, Key
from portal.db.tables.challenges import Challenge, Phase, Task
from portal.db.tables.teams import Team
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards.marks import MAX_REASON_CHARS, Mark
from portal.domain.submissions.limits import SubmissionKind

if TYPE_CHECKING:
    from portal.db.tables.weights import Weights


class Blob(Base):
    """An uploaded file, stored once whoever submits it."""

    __tablename__ = "blobs"

    sha256: Mapped[Digest] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    """When the file was deleted by policy; the same bytes may come again."""


class Submission(Base):
    """What a team submitted; it never changes."""

    __tablename__ = "submissions"
    __table_args__ = (
        Index("ix_submissions_quota", "phase_id", "team_id", "created_at"),
        Index("ix_submissions_challenge_id_team_id", "challenge_id", "team_id"),
        Index(
            "ix_submissions_files",
            "challenge_id",
            "blob_sha256",
            "team_id",
            "is_smoke",
            "created_at",
        ),
        Index("ix_submissions_once_sha256", "once_sha256", unique=True),
        Index("ix_submissions_newest", "challenge_id", "created_at", "id"),
    )

    id: Mapped[Key]
    challenge_id: Mapped[str] = mapped_column(ForeignKey("challenges.id"))
    phase_id: Mapped[str] = mapped_column(ForeignKey("phases.id"))
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"))
    first_team_id: Mapped[str | None] = mapped_column(ForeignKey("teams.id"))
    """The team that submitted it, where that has merged into another since."""
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[SubmissionKind]
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    weights_id: Mapped[str | None] = mapped_column(ForeignKey("weights.id"))
    """What its runs find at ``/weights``."""
    filename: Mapped[str] = mapped_column(String(255))
    """As the browser called it: shown, never used as a path."""
    note: Mapped[str] = mapped_column(String(500), default="")
    is_smoke: Mapped[bool] = mapped_column(default=False)
    """Whether it only runs on the public sample: it has a log to show, and no score."""
    counts: Mapped[bool] = mapped_column(default=True)
    """Whether it counts against the team's limits; taken back when the site was at fault."""
    is_extra: Mapped[bool] = mapped_column(default=False)
    """Whether it used a try that organisers gave, instead of one of the limits."""
    is_late: Mapped[bool] = mapped_column(default=False)
    """Whether it was submitted after the end of its phase."""
    shown: Mapped[dict[str, float] | None]
    """What its team is shown where the Ladder decides that, instead of its own rounded scores."""
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """To the questions of its challenge, by their keys."""
    once_sha256: Mapped[Digest | None]
    """Of the form or the call that made it: sent again, that makes no other."""
    created_at: Mapped[datetime]

    challenge: Mapped[Challenge] = relationship(lazy="raise")
    phase: Mapped[Phase] = relationship(lazy="raise")
    team: Mapped[Team] = relationship(lazy="raise", foreign_keys=[team_id])
    person: Mapped[Person] = relationship(lazy="raise")
    blob: Mapped[Blob] = relationship(lazy="raise")
    weights: Mapped["Weights | None"] = relationship(lazy="raise")
    evaluations: Mapped[list["Evaluation"]] = relationship(
        lazy="raise",
        order_by="Evaluation.id",
        primaryjoin=lambda: and_(Evaluation.submission_id == Submission.id, NOT_A_RERUN),
        viewonly=True,
    )
    """Without reruns: what those come to is never the submission's result."""
    marks: Mapped[list["SubmissionMark"]] = relationship(
        lazy="raise",
        order_by="SubmissionMark.made_at, SubmissionMark.mark",
        viewonly=True,
    )


class PhaseAdmission(Base):
    """That organisers let a team submit to a phase which asks for that; the row goes when they take it back."""

    __tablename__ = "phase_admissions"

    phase_id: Mapped[str] = mapped_column(ForeignKey("phases.id"), primary_key=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    admitted_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    admitted_at: Mapped[datetime]

    phase: Mapped[Phase] = relationship(lazy="raise")
    team: Mapped[Team] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(lazy="raise")


class ExtraTries(Base):
    """Submissions that organisers let a team make in a phase beside its limits."""

    __tablename__ = "extra_tries"
    __table_args__ = (
        Index("ix_extra_tries_phase_id_team_id", "phase_id", "team_id"),
        Index("ix_extra_tries_once_sha256", "once_sha256", unique=True),
    )

    id: Mapped[Key]
    phase_id: Mapped[str] = mapped_column(ForeignKey("phases.id"))
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"))
    number: Mapped[int]
    reason: Mapped[str] = mapped_column(String(MAX_REASON_CHARS))
    """The team reads it."""
    given_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    given_at: Mapped[datetime]
    once_sha256: Mapped[Digest | None]
    """Of the form or the call that gave them: sent again, that gives nothing."""

    phase: Mapped[Phase] = relationship(lazy="raise")
    team: Mapped[Team] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(lazy="raise")


class SubmissionMark(Base):
    """What organisers, or its team, say of a submission; the row goes when they take it back."""

    __tablename__ = "submission_marks"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    mark: Mapped[Mark] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(MAX_REASON_CHARS), default="")
    """The team reads it; empty where it has withdrawn it itself."""
    made_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    """None: the portal did, as it was submitted late."""
    made_at: Mapped[datetime]

    person: Mapped[Person | None] = relationship(lazy="raise")


class Evaluation(Base):
    """One submission on one task: predict, then score."""

    __tablename__ = "evaluations"
    __table_args__ = (
        UniqueConstraint("submission_id", "task_id", "number"),
        Index("ix_evaluations_state", "state"),
    )

    id: Mapped[Key]
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"))
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"))
    number: Mapped[int] = mapped_column(default=1)
    """1 for the first; a rerun takes the next number."""
    rerun_of: Mapped[str | None] = mapped_column(ForeignKey("evaluations.id"), index=True)
    """The evaluation that this one repeats, to compare; it counts nowhere."""
    image_id: Mapped[str | None] = mapped_column(ForeignKey("images.id"), index=True)
    state: Mapped[EvaluationState]
    reason: Mapped[FailureReason | None]
    message: Mapped[str] = mapped_column(Text, default="")
    """For the team, in addition to the reason's own words; leaks nothing."""
    detail: Mapped[str] = mapped_column(Text, default="")
    """For staff and organisers only."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    submission: Mapped[Submission] = relationship(lazy="raise")
    task: Mapped[Task] = relationship(lazy="raise")
    events: Mapped[list["Event"]] = relationship(lazy="raise", order_by="Event.id")
    result: Mapped["Result | None"] = relationship(lazy="raise", uselist=False)
    cancellation: Mapped["Cancellation | None"] = relationship(lazy="raise", uselist=False)


NOT_A_RERUN: ColumnElement[bool] = func.coalesce(Evaluation.rerun_of, "") == ""
"""Nearly all evaluations are none. As ``IS NULL`` SQLite would take the index of reruns, and look at all that ever ran."""


class Cancellation(Base):
    """That somebody wants an evaluation to end; the worker makes the cluster follow."""

    __tablename__ = "cancellations"

    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    asked_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime]
    counts: Mapped[bool]
    """Whether the submission counts all the same, as the person was shown before."""


class Event(Base):
    """A step of an evaluation, for the page that shows its progress."""

    __tablename__ = "events"

    id: Mapped[Key]
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), index=True)
    at: Mapped[datetime]
    state: Mapped[EvaluationState]
    message: Mapped[str] = mapped_column(Text, default="")


class Result(Base):
    """The validated scores of one evaluation, with the evidence."""

    __tablename__ = "results"

    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    scores: Mapped[dict[str, float]]
    """As the scorer wrote them: exact, for organisers."""
    seal: Mapped[dict[str, Any]]
    seal_sha256: Mapped[Digest]
    envelope: Mapped[str | None] = mapped_column(Text)
    """The record as it was signed; None on a site without a key."""
    team_envelope: Mapped[str | None] = mapped_column(Text)
    """What the team may show of it, signed as well."""
    created_at: Mapped[datetime]


class Pick(Base):
    """That a team has chosen a submission to count on a board; the row goes when it takes that back."""

    __tablename__ = "picks"

    board_id: Mapped[str] = mapped_column(ForeignKey("boards.id"), primary_key=True)
    submission_id: Mapped[str] = mapped_column(
        ForeignKey("submissions.id"), primary_key=True, index=True
    )
    picked_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    picked_at: Mapped[datetime]


class Standing(Base):
    """A submission that stands for a team on a board, kept up to date with every result."""

    __tablename__ = "standings"
    __table_args__ = (
        # As a board is ordered, so that a page is read along it.
        Index("ix_standings_rank", "board_id", text("rank_value DESC"), "achieved_at", "team_id"),
        # Few have no rank, and those are counted to know the others'.
        Index(
            "ix_standings_unranked",
            "board_id",
            "rank_value",
            sqlite_where=text("is_unranked = 1"),
            postgresql_where=text("is_unranked"),
        ),
    )

    board_id: Mapped[str] = mapped_column(ForeignKey("boards.id"), primary_key=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, default=0)
    """0, and further numbers where a board has a place for each submission of a team."""
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"))
    scores: Mapped[dict[str, float]]
    """As people see them: rounded."""
    rank_value: Mapped[float]
    """Of the column that ranks first. Larger is better, whatever the column's sense."""
    achieved_at: Mapped[datetime]
    is_unranked: Mapped[bool] = mapped_column(default=False)
    """Whether it is shown without a rank."""
    is_verified: Mapped[bool] = mapped_column(default=False)
    is_picked: Mapped[bool] = mapped_column(default=False)
    """Whether its team has chosen it for the board."""
