"""The tables. One module per area; importing this package knows them all."""

from portal.db.tables.base import Base
from portal.db.tables.challenges import Challenge, Column, Organiser, Page, Phase, PhaseTask, Task
from portal.db.tables.jobs import Attempt, Image, Job, Lease
from portal.db.tables.people import Account, LoginSession, Person
from portal.db.tables.submissions import (
    Blob,
    Evaluation,
    Event,
    Membership,
    Result,
    Standing,
    Submission,
    Team,
)

__all__ = [
    "Account",
    "Attempt",
    "Base",
    "Blob",
    "Challenge",
    "Column",
    "Evaluation",
    "Event",
    "Image",
    "Job",
    "Lease",
    "LoginSession",
    "Membership",
    "Organiser",
    "Page",
    "Person",
    "Phase",
    "PhaseTask",
    "Result",
    "Standing",
    "Submission",
    "Task",
    "Team",
]
