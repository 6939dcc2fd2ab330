"""The glossary: what the pages call the values of the domain, always in the same words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.domain.calendar import Season
from portal.domain.jobs import JobKind
from portal.domain.permissions import Audience
from portal.domain.scores import Rule
from portal.domain.states import EvaluationState
from portal.domain.steps import StepState
from portal.domain.submissions import SubmissionKind


@dataclass(frozen=True, slots=True)
class Label:
    """A word, the shape beside it, and the tone that colours both: never colour alone."""

    word: str
    shape: str
    tone: str


# By type first: members of two enumerations with the same text are equal.
LABELS: Mapping[type[StrEnum], Mapping[StrEnum, Label]] = {
    Season: {
        Season.OPEN: Label("Open", "disc", "good"),
        Season.COMING: Label("Coming", "ring", "calm"),
        Season.PAST: Label("Closed", "square", "quiet"),
    },
    EvaluationState: {
        EvaluationState.WAITING: Label("Waiting", "ring", "calm"),
        EvaluationState.BUILDING: Label("Building", "half", "busy"),
        EvaluationState.QUEUED: Label("Queued", "ring", "calm"),
        EvaluationState.RUNNING: Label("Running", "half", "busy"),
        EvaluationState.SCORING: Label("Scoring", "half", "busy"),
        EvaluationState.SCORED: Label("Scored", "check", "good"),
        EvaluationState.FAILED: Label("Failed", "cross", "bad"),
        EvaluationState.CANCELLED: Label("Cancelled", "bar", "quiet"),
        EvaluationState.HELD: Label("With staff", "pause", "warn"),
    },
    StepState: {
        StepState.DONE: Label("done", "check", "good"),
        StepState.NOW: Label("going on", "half", "busy"),
        StepState.TODO: Label("to come", "ring", "quiet"),
        StepState.FAILED: Label("failed", "cross", "bad"),
        StepState.SKIPPED: Label("not reached", "bar", "quiet"),
        StepState.HELD: Label("with staff", "pause", "warn"),
    },
}

WORDS: Mapping[type[StrEnum], Mapping[StrEnum, str]] = {
    SubmissionKind: {
        SubmissionKind.IMAGE: "Container image",
        SubmissionKind.CODE: "Code",
        SubmissionKind.RESULTS: "Results",
    },
    Audience: {
        Audience.PUBLIC: "everybody",
        Audience.PARTICIPANTS: "participants",
        Audience.ORGANISERS: "organisers only",
        Audience.HIDDEN: "organisers only",
    },
    Rule: {
        Rule.BEST: "The best submission of each team counts.",
        Rule.LAST: "The last submission of each team counts.",
        Rule.CHOSEN: "The submission that each team has chosen counts.",
    },
    JobKind: {
        JobKind.BUILD: "Build",
        JobKind.PREDICT: "Predict",
        JobKind.SCORE: "Score",
        JobKind.PROBE: "Probe",
    },
}

EXPLANATIONS: Mapping[SubmissionKind, str] = {
    SubmissionKind.IMAGE: (
        "An archive made by docker save, or an Apptainer image (.sif), with your program in it."
    ),
    SubmissionKind.CODE: (
        "A .zip or .tar.gz with your files. They are laid over the organisers' base image."
    ),
    SubmissionKind.RESULTS: "The output itself, computed elsewhere. Nothing of yours is run.",
}


def label(value: StrEnum) -> Label:
    """Return word, shape and tone of a state."""
    return LABELS[type(value)][value]


def word(value: StrEnum) -> str:
    """Return what the pages call a value."""
    return WORDS[type(value)][value]


def explanation(kind: SubmissionKind) -> str:
    """Return what a kind of submission is."""
    return EXPLANATIONS[kind]
