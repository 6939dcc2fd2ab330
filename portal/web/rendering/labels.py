"""The glossary: what the pages call the values of the domain, always in the same words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.domain.accounts.account_blocking import BlockReason
from portal.domain.accounts.tokens import Scope, TokenState
from portal.domain.attention.decisions import Choice
from portal.domain.audit import Group
from portal.domain.challenges.calendar import PhaseStatus
from portal.domain.challenges.circulars import Recipients
from portal.domain.challenges.dry_runs import TrialRole, Verdict
from portal.domain.challenges.life import ChallengeState
from portal.domain.challenges.questions import QuestionState
from portal.domain.challenges.revisions import Origin, RevisionState
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import EvaluationState, ImageState
from portal.domain.leaderboards.marks import Mark
from portal.domain.leaderboards.scores import Rule
from portal.domain.mail.kinds import MailTopic
from portal.domain.permissions import Audience, Role
from portal.domain.retention import ArtifactKind
from portal.domain.site.findings import Level
from portal.domain.site.health import Vital
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.submissions.timeline import StepState
from portal.domain.teams.membership_rules import ParticipationState


@dataclass(frozen=True, slots=True)
class Label:
    """A word, the shape beside it, and the tone that colours both: never colour alone."""

    word: str
    shape: str
    tone: str


# By type first: members of two enumerations with the same text are equal.
LABELS: Mapping[type[StrEnum], Mapping[StrEnum, Label]] = {
    PhaseStatus: {
        PhaseStatus.OPEN: Label("Open", "disc", "good"),
        PhaseStatus.UPCOMING: Label("Upcoming", "ring", "calm"),
        PhaseStatus.CLOSED: Label("Closed", "square", "quiet"),
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
        EvaluationState.HELD: Label("Needs attention", "pause", "warn"),
    },
    ParticipationState: {
        ParticipationState.ASKED: Label("Waiting for the organisers", "half", "calm"),
        ParticipationState.ADMITTED: Label("Taking part", "check", "good"),
        ParticipationState.DECLINED: Label("Declined", "cross", "bad"),
        ParticipationState.REMOVED: Label("Removed", "bar", "quiet"),
        ParticipationState.BANNED: Label("Banned", "cross", "bad"),
    },
    QuestionState: {
        QuestionState.WAITING: Label("Waiting for an answer", "half", "calm"),
        QuestionState.ANSWERED: Label("Answered", "check", "good"),
        QuestionState.PRIVATE: Label("Answered privately", "disc", "good"),
        QuestionState.CLOSED: Label("Closed", "square", "quiet"),
        QuestionState.HIDDEN: Label("Hidden", "pause", "warn"),
    },
    TokenState: {
        TokenState.LIVE: Label("Works", "check", "good"),
        TokenState.EXPIRED: Label("Expired", "bar", "quiet"),
        TokenState.REVOKED: Label("Revoked", "cross", "quiet"),
    },
    Level: {
        Level.OK: Label("OK", "check", "good"),
        Level.LEFT_OUT: Label("Left out", "ring", "quiet"),
        Level.WARNING: Label("Warning", "pause", "warn"),
        Level.FAILURE: Label("Failure", "cross", "bad"),
    },
    ImageState: {
        ImageState.WAITING: Label("Waiting to be built", "ring", "calm"),
        ImageState.BUILDING: Label("Being built", "half", "busy"),
        ImageState.READY: Label("Ready", "check", "good"),
        ImageState.FAILED: Label("Failed", "cross", "bad"),
    },
    Vital: {
        Vital.ALIVE: Label("Alive", "check", "good"),
        Vital.SILENT: Label("Silent", "cross", "bad"),
        Vital.UNKNOWN: Label("Unknown", "ring", "quiet"),
    },
    StepState: {
        StepState.DONE: Label("done", "check", "good"),
        StepState.NOW: Label("in progress", "half", "busy"),
        StepState.TODO: Label("pending", "ring", "quiet"),
        StepState.FAILED: Label("failed", "cross", "bad"),
        StepState.SKIPPED: Label("not reached", "bar", "quiet"),
        StepState.HELD: Label("needs attention", "pause", "warn"),
    },
    Verdict: {
        Verdict.PENDING: Label("In progress", "half", "busy"),
        Verdict.RIGHT: Label("Right", "check", "good"),
        Verdict.WRONG: Label("Wrong", "cross", "bad"),
        Verdict.ACCEPTED: Label("Accepted", "pause", "warn"),
    },
    Mark: {
        Mark.HIDDEN: Label("Hidden", "pause", "warn"),
        Mark.DISQUALIFIED: Label("Disqualified", "cross", "bad"),
        Mark.UNRANKED: Label("Not ranked", "ring", "quiet"),
        Mark.VERIFIED: Label("Verified", "check", "good"),
        Mark.WITHDRAWN: Label("Withdrawn", "bar", "quiet"),
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
        Audience.OWN: "each team its own",
        Audience.ORGANISERS: "organisers only",
        Audience.HIDDEN: "organisers only",
    },
    Rule: {
        Rule.BEST: "The best submission of each team counts.",
        Rule.LAST: "The last submission of each team counts.",
        Rule.CHOSEN: "The best of the submissions that each team has chosen counts.",
        Rule.BEST_OF_LAST: "The best of the last submissions of each team counts.",
        Rule.ALL: "Every submission has a place of its own.",
    },
    Scope: {
        Scope.READ: "read",
        Scope.SUBMIT: "submit",
        Scope.ORGANISE: "organise",
    },
    Recipients: {
        Recipients.ALL: "Everybody who takes part",
        Recipients.NO_SUBMISSION: "Who has submitted nothing yet",
        Recipients.FAILED: "Who has a submission that failed",
        Recipients.SCORED: "Who has a submission with a score",
        Recipients.ASKED: "Who waits to be let in",
    },
    Role: {
        Role.OWNER: "Owner",
        Role.ORGANISER: "Co-organiser",
        Role.REVIEWER: "Reviewer",
    },
    ChallengeState: {
        ChallengeState.DRAFT: "Draft",
        ChallengeState.IN_REVIEW: "In review",
        ChallengeState.PUBLISHED: "Published",
        ChallengeState.CLOSED: "Closed",
        ChallengeState.ARCHIVED: "Archived",
    },
    RevisionState: {
        RevisionState.PROPOSED: "Proposed",
        RevisionState.IN_REVIEW: "In review",
        RevisionState.APPLIED: "Applied",
        RevisionState.DROPPED: "Dropped",
    },
    TrialRole: {
        TrialRole.BASELINE: "Baseline",
        TrialRole.SAMPLE: "Sample",
        TrialRole.ATTACK: "Cheat",
    },
    Origin: {
        Origin.COMMAND: "By command",
        Origin.PAGE: "On a page",
        Origin.PROGRAM: "By a program",
    },
    BlockReason: {
        BlockReason.MISUSE: "Misuse of the site",
        BlockReason.TAKEN_OVER: "The account may be in other hands",
        BlockReason.LEFT: "Has left the institution",
        BlockReason.OTHER: "Something else",
    },
    MailTopic: {
        MailTopic.ANNOUNCEMENTS: "Announcements of challenges",
        MailTopic.JOIN_DECISIONS: "Decisions about taking part",
        MailTopic.ANSWERS: "Answers",
        MailTopic.QUESTIONS: "Questions of participants",
        MailTopic.CIRCULARS: "Mails from organisers",
    },
    Group: {
        Group.LOGINS: "Logins, sessions and tokens",
        Group.DATA: "Names, terms and personal data",
        Group.SITE: "Staff, blocking and the log",
        Group.CHALLENGES: "Challenges and roles",
        Group.JOINING: "Joining",
        Group.TEAMS: "Teams",
        Group.SUBMISSIONS: "Submissions",
        Group.LOOKS: "Looks at people, sealed results and the log",
    },
    ArtifactKind: {
        ArtifactKind.UPLOAD: "Upload",
        ArtifactKind.IMAGE: "Image",
        ArtifactKind.OUTPUT: "Output of a run",
        ArtifactKind.LOG: "Logs of a run",
    },
    Choice: {
        Choice.RETRY: "Try again",
        Choice.FREE: "Give up, without counting",
        Choice.COUNT: "Give up, counting",
    },
    JobKind: {
        JobKind.BUILD: "Build",
        JobKind.PREDICT: "Predict",
        JobKind.SCORE: "Score",
        JobKind.PROBE: "Probe",
        JobKind.MEASURE: "Measure data",
    },
    Part: {
        Part.PREPARE: "Look through what was submitted, and make it ready",
        Part.AHEAD: "Look through an image before it is built",
        Part.LOOK: "Look whether a run has ended",
        Part.FETCH: "Fetch what a run left",
        Part.TAKE: "Put what a run made where it is kept",
        Part.DROP: "Remove what an image was built of",
        Part.EXPIRE: "Delete what is kept no longer",
        Part.SWEEP: "Remove what was left half written",
    },
}

EXPLANATIONS: Mapping[type[StrEnum], Mapping[StrEnum, str]] = {
    MailTopic: {
        MailTopic.ANNOUNCEMENTS: "what organisers announce where you take part",
        MailTopic.JOIN_DECISIONS: "that organisers have let you take part, declined it, removed or banned you",
        MailTopic.ANSWERS: "that organisers have answered a question of yours",
        MailTopic.QUESTIONS: "that questions wait in a challenge that you organise, once in four hours at most",
        MailTopic.CIRCULARS: "what organisers write to some of those who take part, or want to",
    },
    SubmissionKind: {
        SubmissionKind.IMAGE: (
            "An archive made by docker save, or an Apptainer image (.sif), with your program in it."
        ),
        SubmissionKind.CODE: (
            "A .zip or .tar.gz with your files. They are laid over the organisers' base image."
        ),
        SubmissionKind.RESULTS: "The output itself, computed elsewhere. Nothing of yours is run.",
    },
    Mark: {
        Mark.HIDDEN: (
            "Off the leaderboard, for example while you look into it: the team's next one stands instead."
        ),
        Mark.DISQUALIFIED: (
            "Off the leaderboard, as it is against the rules: the team's next one stands instead."
        ),
        Mark.UNRANKED: (
            "On the leaderboard without a rank, such as late ones or your own; not if the team has one with a rank."
        ),
        Mark.VERIFIED: "You have looked at it, and it is as it should be: the leaderboard says so.",
        Mark.WITHDRAWN: "Off the leaderboard, as its team wants.",
    },
    Choice: {
        Choice.RETRY: "It is about to be tried again.",
        Choice.FREE: "It is about to be given up; it does not count.",
        Choice.COUNT: "It is about to be given up; it counts.",
    },
    ChallengeState: {
        ChallengeState.DRAFT: "Only those who work for it see it, and can try everything.",
        ChallengeState.IN_REVIEW: (
            "Only those who work for it see it, and the site is asked to approve what it runs."
        ),
        ChallengeState.PUBLISHED: "Everybody sees it, and takes part when its phases are open.",
        ChallengeState.CLOSED: (
            "Everybody still sees it with its leaderboards, and nobody takes part any more."
        ),
        ChallengeState.ARCHIVED: (
            "Everybody still sees it with its leaderboards, and nothing of it changes any more."
        ),
    },
    Role: {
        Role.OWNER: "Does everything for the challenge, and says who else works for it.",
        Role.ORGANISER: "Does everything for the challenge, but does not name others.",
        Role.REVIEWER: "Reads all submissions and their confidential details, and changes nothing.",
    },
    Scope: {
        Scope.READ: "Read what you can read: challenges, leaderboards, your submissions and scores.",
        Scope.SUBMIT: "Submit for your team.",
        Scope.ORGANISE: "Do what organisers do, in the challenges where you have a role.",
    },
}


TRIED = Label("Completed", "check", "good")
"""What a run on the public sample is instead of scored."""


def label(value: StrEnum, *, tried: bool = False) -> Label:
    """Return word, shape and tone of a state; ``tried``: of a run on the public sample."""
    return TRIED if tried and value is EvaluationState.SCORED else LABELS[type(value)][value]


def word(value: StrEnum) -> str:
    """Return what the pages call a value."""
    return WORDS[type(value)][value]


def explanation(value: StrEnum) -> str:
    """Return what a kind of submission is, a role or mark does, a token may do, or a decision leads to."""
    return EXPLANATIONS[type(value)][value]
