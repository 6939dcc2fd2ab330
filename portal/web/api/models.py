"""What the API answers. ``docs/reference/api.md`` and ``openapi.json`` are made from this."""

from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from portal.domain.accounts.tokens import Scope
from portal.domain.challenges.announcements import MAX_TEXT_BYTES, MAX_TITLE_CHARS
from portal.domain.challenges.calendar import PhaseStatus
from portal.domain.challenges.dry_runs import TrialRole, Verdict
from portal.domain.challenges.life import MAX_REASON_CHARS, ChallengeState
from portal.domain.challenges.questions import QuestionState
from portal.domain.challenges.revisions import MAX_MESSAGE_CHARS, RevisionState
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards.marks import BY_ORGANISERS, Mark
from portal.domain.leaderboards.scores import Rule, Sort
from portal.domain.permissions import Readers
from portal.domain.submissions.admission import Needs
from portal.domain.submissions.limits import MAX_EXTRA_TRIES, SubmissionKind
from portal.domain.submissions.questions import MAX_ANSWER_CHARS, QuestionType
from portal.domain.submissions.timeline import StepState
from portal.domain.teams.expulsion import MAX_CONTACT_CHARS
from portal.domain.teams.expulsion import MAX_REASON_CHARS as EXPULSION_REASON_CHARS
from portal.domain.teams.membership_rules import ParticipationState


def _to_the_minute(moment: datetime) -> str:
    # As on pages: exact times would tell how long a job ran.
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:00Z}"


Moment = Annotated[
    datetime,
    PlainSerializer(_to_the_minute, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Scores = Annotated[
    dict[str, float], Field(description="By key of the column, rounded to its digits.")
]


class Model(BaseModel):
    """Something that is answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ErrorFacts(Model):
    """Why the request was refused."""

    reason: str = Field(description="A short code for programs.")
    message: str = Field(description="The same for people, and what to do about it.")
    request_id: str = Field(description="Under which the site's log has this request.")


class Error(Model):
    """The answer with every status from 400 on."""

    error: ErrorFacts


class Me(Model):
    """Whose token it is."""

    id: str
    name: str
    scopes: list[Scope] = Field(description="What the token may be used for.")


class ChallengeItem(Model):
    """A challenge in the list."""

    slug: str = Field(description="Its name in addresses.")
    title: str
    status: PhaseStatus
    state: ChallengeState = Field(description="Where it is in its life.")
    phase: str = Field(description="Title of the phase that is on, or of the next or last one.")
    starts_at: Moment | None = Field(description="Of that phase.")
    ends_at: Moment | None
    teams: int = Field(description="How many take part.")


class Challenges(Model):
    """Every challenge that the token's owner may see; there are no further pages."""

    items: list[ChallengeItem]


class Join(Model):
    """How one takes part, and how far the token's owner is with it."""

    policy: str = Field(description="`open`, `approve` or `claims`.")
    state: str = Field(description="`none`, `asked`, `admitted` or `declined`.")
    team: str | None = Field(description="Name of the own team.")
    team_size: int = Field(description="Most members of one team.")


class Left(Model):
    """What the own team may still submit; null: no limit."""

    today: int | None
    week: int | None
    total: int | None
    failed_today: int | None = Field(
        description="How many may still fail today by the team's own doing."
    )
    lacks: str = Field(description="What the team lacks to submit here at all; empty for nothing.")
    extra: int = Field(
        description="Tries that the organisers gave; used where a limit has no room."
    )
    next_at: Moment | None = Field(description="When there is room again, if there is none now.")
    next_in: int | None = Field(description="The same in seconds from now.")


class After(Model):
    """What a team needs in another phase before it can submit to this one."""

    needs: Needs
    rank: int | None = Field(description="With `rank`: the last one that is enough.")
    phase: str = Field(description="Title of the other phase.")


class Phase(Model):
    """A time window with its own limits."""

    slug: str
    title: str
    status: PhaseStatus
    starts_at: Moment
    ends_at: Moment
    kinds: list[SubmissionKind]
    per_day: int | None = Field(description="Submissions of a team per day (UTC); null: no limit.")
    per_week: int | None = Field(description="Per week, from Monday to Sunday (UTC).")
    total: int | None = Field(description="In the whole phase.")
    running: int | None = Field(description="At the same time; more wait, they are not refused.")
    failed_per_day: int | None = Field(
        description="That fail by the team's own doing, per day (UTC); those then count in no other limit."
    )
    after: After | None = Field(description="What a team needs before it can submit here.")
    late: bool = Field(
        description="Whether submissions after the end are evaluated; they stand without a rank."
    )
    late_until: Moment | None = Field(
        description="Until when; null: until the challenge is closed."
    )
    left: Left | None = Field(description="Only while something can be submitted.")
    has_leaderboard: bool = Field(description="Whether the token's owner may see one.")


class Column(Model):
    """A score that the leaderboard shows."""

    key: str
    title: str
    sort: Sort = Field(description="`desc`: more is better.")
    precision: int = Field(description="Digits after the point.")
    primary: bool = Field(description="Whether it ranks before all others.")
    private: bool = Field(description="Whether only organisers see it before its reveal.")
    unit: str | None = Field(description="What it is measured in.")


class Board(Model):
    """A ranking that is open to the token's owner."""

    id: str
    title: str
    phases: list[str] = Field(description="Slugs of its phases.")
    rule: Rule = Field(description="Which submission stands for a team.")
    reveal: Moment | None = Field(description="From when on it is open to others than organisers.")
    freeze: Moment | None = Field(description="From when on others see it as it was then.")
    anonymous_until: Moment | None = Field(description="Until when teams have no names on it.")


class Challenge(Model):
    """A challenge and its phases."""

    slug: str
    title: str
    status: PhaseStatus
    state: ChallengeState = Field(description="Where it is in its life.")
    timezone: str = Field(description="In which its pages show dates beside UTC; empty: in none.")
    join: Join
    questions: list["Question"] = Field(description="The form of a submission.")
    phases: list[Phase]
    rule: Rule = Field(description="Which submission stands for a team, on the first board.")
    columns: list[Column]
    boards: list[Board]


Item = TypeVar("Item", bound=Model)


class Page(Model, Generic[Item]):
    """One page of a list; ``next`` is the address of the one after it."""

    items: list[Item]
    page: int
    pages: int
    total: int = Field(description="Items on all pages together.")
    next: str | None


class Place(Model):
    """A team on the leaderboard."""

    rank: int | None = Field(description="Null where it is shown without one.")
    team: str
    scores: Scores
    achieved_at: Moment
    is_own: bool
    is_verified: bool = Field(description="Whether the organisers have looked at it.")
    submission: str | None = Field(description="Its id, where the token's owner may see it.")
    mean_rank: float | None = Field(
        description="Where the mean of ranks ranks; smaller is better, null elsewhere."
    )
    rank_before: int | None = Field(description="On the board with which this one is compared.")


class Leaderboard(Page[Place]):
    """One page of a ranking."""

    board: str | None = Field(description="Its id; null: no leaderboard is open to you.")
    boards: list[Board] = Field(description="Those that can be asked for.")
    phase: str | None = Field(description="Slug of its first phase.")
    phases: list[str] = Field(description="Those of all boards that can be asked for.")
    rule: Rule | None
    columns: list[Column]
    compare: str | None = Field(description="The board whose ranks stand beside.")
    is_frozen: bool = Field(description="Whether it is shown as of its freeze.")
    is_anonymous: bool = Field(description="Whether other teams have no names on it.")
    own: Place | None = Field(description="The own team's place, wherever it is.")


class MarkFacts(Model):
    """A mark on a submission."""

    mark: Mark
    reason: str = Field(description="Why; empty where the team has withdrawn it.")
    made_at: Moment


class SubmissionItem(Model):
    """A submission in the list."""

    id: str
    url: str
    phase: str = Field(description="Slug.")
    kind: SubmissionKind
    smoke: bool = Field(
        description="Whether it is only run on the public sample: `scored` then means completed, without scores."
    )
    state: EvaluationState = Field(description="Of several tasks, the state that matters most.")
    scores: Scores
    team: str
    person: str = Field(description="Who submitted it.")
    filename: str
    size: int = Field(description="Bytes.")
    sha256: str
    note: str
    answers: dict[str, str | float | bool] = Field(
        description="To the questions of the challenge, by their keys; those that were given."
    )
    counts: bool = Field(description="Whether it counts against the limits.")
    late: bool = Field(description="Whether it was submitted after the end of its phase.")
    marks: list[MarkFacts] = Field(
        description="`hidden`, `disqualified` and `withdrawn` ones are not on the leaderboard, and still count."
    )
    created_at: Moment


class Submissions(Page[SubmissionItem]):
    """One page of submissions, the newest first."""

    columns: list[Column]


class Step(Model):
    """A step on the way through the cluster."""

    title: str
    state: StepState
    at: Moment | None


class Failure(Model):
    """Why it failed, and what the team can do."""

    reason: FailureReason
    title: str
    advice: str
    message: str = Field(description="More about this one, or empty.")
    counts: bool


class Queue(Model):
    """What a submission waits for, and what the cluster last said of its job."""

    queued_at: Moment | None
    position: int | None = Field(
        description="1-based, among the portal's queued jobs of this profile."
    )
    expected_at: Moment | None = Field(description="When Slurm expects it to start.")
    why: str = Field(description="Why it waits, or empty.")
    confirmed_at: Moment | None


class Evaluation(Model):
    """What became of a submission on one task."""

    task: str
    state: EvaluationState
    steps: list[Step]
    queue: Queue | None
    failure: Failure | None
    scores: Scores


class Log(Model):
    """The end of what a run wrote, which the team may see."""

    job: JobKind
    attempt: int | None = Field(description="1 for the first try; null on the public sample.")
    stream: str = Field(description="`stdout` or `stderr`.")
    text: str
    truncated: bool = Field(description="Whether there was more of it.")
    released_at: Moment | None = Field(description="Null on the public sample.")
    reason: str = Field(description="Why the organisers released it.")


class Submission(SubmissionItem):
    """A submission and its way."""

    challenge: str = Field(description="Slug.")
    is_settled: bool = Field(description="Whether nothing more happens by itself: stop asking.")
    evaluations: list[Evaluation]
    logs: list[Log] = Field(
        description="Those of a run on the public sample; of runs on private data those that were released."
    )


class Member(Model):
    """Somebody in a team."""

    id: str
    name: str
    joined_at: Moment


class Team(Model):
    """A team that competes."""

    id: str
    name: str
    members: list[Member]
    submissions: int = Field(description="How many it has submitted.")
    created_at: Moment


class Teams(Page[Team]):
    """One page of a challenge's teams, by name."""


class Participant(Model):
    """Somebody who takes part, wants to, or was declined, removed or banned."""

    id: str
    name: str
    verified_name: str | None = Field(description="As the login says; null where it does not.")
    affiliation: list[str] = Field(description="As the login says; empty where it does not.")
    identity_provider: str | None = Field(
        description="The institution, where a federation's login says it."
    )
    login: str | None = Field(description="The issuer of the login that was used last.")
    state: ParticipationState
    note: str = Field(description="What they wrote when they asked.")
    reason: str = Field(description="Why they were removed or banned.")
    team: str | None
    asked_at: Moment
    decided_at: Moment | None


class Participants(Page[Participant]):
    """One page of people; who asked last comes first."""


class Decision(Model):
    """What was decided about somebody."""

    id: str
    state: ParticipationState


class AnswersWanted(Model):
    """Answers to put in the place of those that there are, by the keys of their questions."""

    answers: Annotated[
        dict[
            Annotated[str, Field(max_length=40)],
            Annotated[str, Field(max_length=MAX_ANSWER_CHARS)] | bool | float | None,
        ],
        Field(max_length=12, description="Null takes one back; what is left out stays."),
    ]


class Answers(Model):
    """The answers of a submission."""

    id: str
    answers: dict[str, str | float | bool]


class Question(Model):
    """What a challenge asks of each submission."""

    key: str
    title: str
    help: str
    type: QuestionType
    choices: list[str]
    required: bool
    board: bool = Field(description="Whether whoever sees the leaderboard sees the answer.")
    until: Moment | None = Field(
        description="Until when the answer can be changed; null: until the phase ends."
    )


class AdmissionWanted(Model):
    """Whether a team may submit to a phase that asks for the organisers' hand."""

    phase: str = Field(max_length=60, description="Slug.")
    team: str = Field(max_length=60, description="Id of the team.")
    admitted: bool


class TriesWanted(Model):
    """Tries that a team is to have beside the limits of a phase."""

    phase: str = Field(max_length=60, description="Slug.")
    team: str = Field(max_length=60, description="Id of the team.")
    number: int = Field(ge=1, le=MAX_EXTRA_TRIES, description="How many.")
    reason: str = Field(max_length=MAX_REASON_CHARS, description="Why: the team reads it.")


class GivenTries(Model):
    """Tries that a team was given beside the limits of a phase."""

    id: str
    phase: str = Field(description="Slug.")
    team: str = Field(description="Id of the team.")
    team_name: str
    number: int
    reason: str
    by: str = Field(description="Who gave them.")
    given_at: Moment


class AllTries(Page[GivenTries]):
    """One page of what was given in a challenge, the newest first."""


class QuestionAsked(Model):
    """Something to ask the organisers."""

    title: str = Field(description=f"At most {MAX_TITLE_CHARS} characters.")
    text: str = Field(description=f"Markdown, at most {MAX_TEXT_BYTES} bytes.")


class QuestionAnswer(Model):
    """An answer, or another one in the place of what there is."""

    answer: str = Field(description=f"Markdown, at most {MAX_TEXT_BYTES} bytes.")
    public: bool = Field(description="Whether others read it as well, or who asked only.")


class QuestionItem(Model):
    """A question with its answer, as far as you read it."""

    id: str
    title: str
    text: str
    state: QuestionState
    asked_at: Moment
    asked_by: str = Field(description="For organisers and reviewers; empty for others.")
    is_own: bool
    answer: str
    answered_at: Moment | None
    note: str = Field(description="Why it is hidden or closed: for who asked, and organisers.")


class Questions(Page[QuestionItem]):
    """One page of questions."""


class RemovalWanted(Model):
    """Somebody is to be removed: they may join or ask again."""

    reason: str = Field(max_length=EXPULSION_REASON_CHARS, description="The person reads it.")


class BanWanted(Model):
    """Somebody is to be banned, until that is lifted."""

    reason: str = Field(max_length=EXPULSION_REASON_CHARS, description="The person reads it.")
    contact: str = Field(
        default="",
        max_length=MAX_CONTACT_CHARS,
        description="Whom to ask; empty: the site's support.",
    )
    mark: Mark | None = Field(
        default=None,
        description="What the person submitted is marked so: hidden, disqualified or unranked.",
    )


class StateWanted(Model):
    """What a challenge is to become."""

    to: ChallengeState
    reason: str = Field(
        default="", max_length=MAX_REASON_CHARS, description="For those who read the audit log."
    )


class StateChange(Model):
    """What a challenge was, and what it is now."""

    before: ChallengeState
    state: ChallengeState


class RevisionItem(Model):
    """A revision of a challenge."""

    number: int
    state: RevisionState
    holds: bool = Field(description="Whether it is what the challenge is now.")
    base: int | None = Field(description="Number of the revision that it was made of.")
    message: str
    changes: list[str] = Field(description="What it changes, in the words of challenge.yaml.")
    needs: list[str] = Field(description="What of it the site has to approve.")
    made_by: str = Field(description="Empty: an operator.")
    made_at: Moment
    applied_at: Moment | None


class Revisions(Page[RevisionItem]):
    """One page of a challenge's revisions, the newest first."""


class ChangedFile(Model):
    """A file that a revision has otherwise than the one that it was made of."""

    path: str
    before: str | None = Field(description="SHA-256; null: it was not there.")
    now: str | None = Field(description="SHA-256; null: it is gone.")


class Revision(RevisionItem):
    """A revision, and what it does."""

    can_be_applied: bool = Field(description="Whether organisers can apply it themselves.")
    consequences: list[str] = Field(
        description="What applying it does to phases, submissions and boards."
    )
    settings: list[str] = Field(
        description="How challenge.yaml differs: lines of a unified difference."
    )
    files: list[ChangedFile]


class ProposedBundle(Model):
    """The fields beside the file, which is a zip of a whole bundle unless ``path`` says otherwise."""

    path: str = Field(
        default="", description="The one file of the bundle that it is; all of it without."
    )
    message: str = Field(
        default="", max_length=MAX_MESSAGE_CHARS, description="For those who work for it."
    )


class RevisionWanted(Model):
    """What is to become of a proposal."""

    to: Literal["proposed", "in_review", "applied", "dropped"]


class AnnouncementMade(Model):
    """What is to be announced."""

    title: str = Field(description=f"On one line, at most {MAX_TITLE_CHARS} characters.")
    text: str = Field(description=f"Markdown, at most {MAX_TEXT_BYTES // 1024} KiB.")


class Announcement(Model):
    """Something that the organisers announced."""

    id: str
    title: str
    text: str = Field(description="Markdown.")
    by: str = Field(description="What its author is called in public.")
    made_at: Moment
    edited_at: Moment | None = Field(description="When it was last corrected.")
    is_withdrawn: bool = Field(description="Taken down: only organisers see it.")


class Announcements(Page[Announcement]):
    """One page of what was announced in a challenge, the newest first."""


class OfferedFile(Model):
    """A file that you can download."""

    title: str
    name: str | None = Field(description="Its name here; null for a file on another site.")
    address: str
    size: int | None = Field(description="Bytes; null for a file on another site.")
    sha256: str | None = Field(description="Null where the organisers have not given it.")
    readers: Readers = Field(description="Who can download it.")
    fetched: int | None = Field(
        description="How often somebody has begun to; null for whoever does not work for the challenge."
    )


class Files(Model):
    """What can be downloaded of a challenge."""

    items: list[OfferedFile]


class MarkWanted(Model):
    """A mark, and why."""

    mark: Annotated[Mark, WithJsonSchema({"type": "string", "enum": sorted(BY_ORGANISERS)})]
    reason: str = Field(max_length=MAX_REASON_CHARS, description="The team reads it.")


class MarkRemoved(Model):
    """Why a mark is taken off."""

    reason: str = Field(
        max_length=MAX_REASON_CHARS, description="For those who read the audit log."
    )


class Marks(Model):
    """A submission and its marks now."""

    id: str
    marks: list[MarkFacts]


class PickWanted(Model):
    """For which board a submission is chosen."""

    board: str = Field(max_length=60, description="Id of the board.")


class Picks(Model):
    """What a team has chosen for a board."""

    board: str
    submissions: list[str] = Field(description="Ids of submissions.")


class Made(Model):
    """What was made; ``url`` is also in the header ``Location``."""

    id: str
    url: str


class Weights(Model):
    """A file of weights; name its ``id`` when you submit something."""

    id: str
    filename: str
    size: int = Field(description="Bytes.")
    sha256: str
    place: str = Field(description="Where a run finds it.")
    is_unpacked: bool = Field(
        description="Whether a run finds the files in it there, instead of the file."
    )
    created_at: Moment


class WeightsList(Model):
    """All weights of a team in a challenge, the newest first."""

    items: list[Weights]
    used: int = Field(description="Bytes of all together.")
    limit: int = Field(description="Bytes that they may have.")


class DryRunTrial(Model):
    """A submission of a dry run."""

    name: str
    role: TrialRole = Field(description="`attack`: a cheat of the portal's own.")
    phase: str = Field(description="Title of the phase.")
    kind: SubmissionKind
    expected: str = Field(description="What it has to come to, in words.")
    got: str = Field(description="What came of it, in words.")
    verdict: Verdict
    problem: str = Field(description="What is wrong, and what to do; empty where nothing is.")
    submission: str = Field(description="Its id: organisers open its sealed log.")


class DryRunReport(Model):
    """What came of a dry run."""

    number: int
    revision: int = Field(description="The revision that held.")
    started_at: Moment
    verdict: Verdict = Field(description="Of all its submissions together.")
    is_current: bool = Field(description="Whether what runs is still what ran.")
    notes: list[str] = Field(description="What was left out.")
    accepted_for: str = Field(
        description="Why an owner accepts what its cheats gain; empty: nobody does."
    )
    trials: list[DryRunTrial]


class DryRunAnswer(Model):
    """The dry run of a challenge."""

    baselines: int = Field(description="How many the bundle names.")
    samples: int = Field(description="How many the bundle names.")
    lacks: str = Field(description="Why none can be started now; empty if one can.")
    report: DryRunReport | None = Field(description="None: none was made.")


class StartDryRun(Model):
    """How a dry run is made."""

    long: bool = Field(
        default=False,
        description="With cheats that take a whole time limit, or a whole output, also where those are long.",
    )


class AcceptCheats(Model):
    """That what cheats gain is right."""

    reason: str = Field(max_length=500, description="Why; the audit log keeps it.")
