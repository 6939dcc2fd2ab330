"""A site as it looks in the middle of a challenge: for browser tests and for pictures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import (
    ApiToken,
    Attempt,
    Challenge,
    DryRun,
    DryRunTrial,
    Evaluation,
    ExtraTries,
    Job,
    LogRelease,
    MailChoice,
    Page,
    Person,
    Result,
    Standing,
    Submission,
    SubmissionMark,
    Team,
    TermsAcceptance,
)
from portal.domain.challenges.dry_runs import Expectation, TrialRole
from portal.domain.challenges.questions import Asking, QuestionState
from portal.domain.challenges.revisions import RevisionState
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.states import EvaluationState
from portal.domain.ids import new_id
from portal.domain.leaderboards.marks import Mark
from portal.domain.leaderboards.scores import Rule
from portal.domain.submissions.admission import Needs
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.submissions.questions import Question, QuestionType
from portal.domain.submissions.run_logs import Tail
from portal.services.evaluations import file_pieces
from portal.services.evaluations.file_pieces import Piece
from portal.services.leaderboards import standings
from portal.services.submissions import run_logs
from portal.web.context import SiteTerms
from tests.support import bundles, factories, offered_files
from tests.support.factories import DAY, MINUTE, NOW, Digits
from tests.support.scenes.staff import add_staff_things
from tests.support.scenes.teams import add_team_things

E = EvaluationState

SITE_TERMS = SiteTerms(
    version="2026-11",
    markdown="""# Terms

The cluster belongs to everybody at Nordholm. Whoever uses this site

- submits only what they may submit,
- does not try to find out more of the private data than the scores say,
- and tells the computing centre of any fault that lets others do so.

Logins and what is done on the site are kept as long as the site's page on personal data says.
""",
)

MAIL_LINK = "m" * 43

BOXES = """

![A grey square, as wide as it is high]({picture})

:::{{note}}
The classes are of the same size in the sample, and *not* in the private data.
:::

```{{warning}} Read this first
Probabilities that do not sum up to 1 are refused:

| Class | Probability |
|-------|-------------|
| 0     | 0.25        |
```

:::{{danger}}
Whoever labels the private data by hand is disqualified.
:::
"""

TEAMS = (
    ("Nearest Neighbours", 0.987), ("Kernel Panic", 0.981), ("The Overfitters", 0.978),
    ("Gradient Descendants", 0.978), ("Pixel Peepers", 0.972), ("Ada Vlasák", 0.969),
    ("Eight by Eight", 0.966), ("Institut für Mustererkennung", 0.961), ("Bayes Watch", 0.954),
    ("Random Foresters", 0.951), ("Support Vectors", 0.944), ("Kalman and Friends", 0.940),
    ("Loss Leaders", 0.933), ("The Regularisers", 0.929), ("Softmax Hardcore", 0.921),
    ("Quiet Quantiles", 0.913), ("Ηράκλειο ML", 0.902), ("Tangent Space", 0.889),
    ("Null Hypothesis", 0.861), ("Cold Start", 0.812),
)  # fmt: skip


@dataclass(kw_only=True)
class Scene:
    """Who and what is on the site."""

    digits: Digits
    ada: Person
    organiser: Person
    staff: Person
    newcomer: Person
    """Has not accepted the site's terms yet."""
    submissions: dict[str, Submission]
    logged: str
    """The token of a failed run whose log nobody has released."""
    announcement: str
    """Its id."""
    questions: dict[str, str]
    """Their ids by state."""


def _add_dry_run(
    session: Session, digits: Digits, staff: Person, tried: Mapping[str, Submission]
) -> None:
    """Add a dry run of which a baseline is right, a sample is wrong, and a cheat still runs."""
    run = DryRun(
        id=new_id(NOW), challenge_id=digits.challenge.id, number=1, revision_number=2, sha256="0" * 64,
        started_by=staff.id, started_at=NOW, notes=["Development: some cheats were left out."],
    )  # fmt: skip
    session.add(run)
    session.flush()
    for position, (name, role, outcome) in enumerate(
        (
            ("scored", TrialRole.BASELINE, "scored"),
            ("failed", TrialRole.SAMPLE, "scored"),
            ("running", TrialRole.ATTACK, ""),
        )
    ):
        session.add(
            DryRunTrial(
                dry_run_id=run.id, position=position, submission_id=tried[name].id, role=role, name=name,
                about="What it tries." if role is TrialRole.ATTACK else "",
                expected=asdict(Expectation(outcome=outcome)),
            )
        )  # fmt: skip
    session.flush()


def _add_revisions(session: Session, digits: Digits) -> None:
    """Add two that were applied, one to apply, one that the site is asked to approve, and one that was dropped."""
    bundles.add_revision(session, digits, 1, files={"scorer.tar": b"1"})
    changes = ["title", "task digits: scorer.image"]
    bundles.add_revision(session, digits, 2, changed={"title": "Digits"}, changes=changes)
    phases = bundles.described(digits)["phases"]
    phases[1] |= {"end": (NOW + 60 * DAY).isoformat(), "limits": {"per_day": 3}}
    open_until, kinds = phases, [{**phase, "kinds": ["results"]} for phase in phases]
    for number, state, changed, needs in (
        (3, RevisionState.PROPOSED, open_until, ()),
        (4, RevisionState.IN_REVIEW, kinds, ("phase dev: kinds",)),
        (5, RevisionState.DROPPED, kinds, ("phase dev: kinds",)),
    ):
        row = bundles.add_revision(
            session, digits, number, changed={"phases": changed}, state=state, needs=needs,
            changes=["phase dev: end", "phase dev: limits.per_day"], message="More time for all.",
        )  # fmt: skip
        row.base_number = 2


def _show_and_offer(session: Session, digits: Digits) -> None:
    """Give the challenge a logo, files, and a page that has a picture and boxes."""
    offered_files.offer(session, digits)
    digits.challenge.logo = offered_files.PICTURE
    digits.challenge.summary = "Read handwritten digits that nobody has labelled."
    page = session.scalars(select(Page).where(Page.slug == "evaluation")).one()
    page.markdown += BOXES.format(picture=offered_files.PICTURE)


QUESTIONS = (
    Question(
        key="own_data", title="Own data used?", type=QuestionType.CHOICE, choices=("yes", "no"),
        on_board=True,
    ),
    Question(key="report", title="Report", type=QuestionType.URL, help="A pre-print."),
    Question(key="gpus", title="GPU-hours of training", type=QuestionType.NUMBER),
    Question(key="code", title="The code will be published", type=QuestionType.CHECKBOX),
    Question(key="team", title="Place", type=QuestionType.TEXT, until=NOW - DAY),
)  # fmt: skip


def _ask(digits: Digits) -> None:
    """Let the challenge ask something, have a time zone, and phases one after the other."""
    digits.challenge.questions = [question.as_json() for question in QUESTIONS]
    digits.challenge.timezone = "Europe/Berlin"
    digits.dev.per_week, digits.dev.failed_per_day = 12, 3
    digits.dev.takes_late, digits.dev.late_until = True, NOW + 50 * DAY
    digits.phases["final"].after_slug = "dev"
    digits.phases["final"].after_needs = Needs.ORGANISERS


def _add_tries(session: Session, digits: Digits, team: Team, by: Person) -> None:
    session.add(
        ExtraTries(
            id=new_id(NOW), phase_id=digits.dev.id, team_id=team.id, number=2,
            reason="A node failed three times.", given_by=by.id, given_at=NOW - DAY,
        )
    )  # fmt: skip


def add_scene(session: Session) -> Scene:
    """Fill an empty database."""
    digits = factories.add_challenge(session)
    _ask(digits)
    _add_revisions(session, digits)
    _show_and_offer(session, digits)
    _add_other_challenges(session)
    ada = factories.add_person(session, "Ada Vlasák")
    factories.add_account(session, ada, "vlasak@nordholm.example")
    grace = factories.add_person(session, "Grace Okafor")
    staff = factories.add_person(session, "Site Staff", is_staff=True)
    newcomer = factories.add_person(session, "Nina Bergström")
    _add_account_things(session, ada, grace, staff)
    submissions = {}
    for n, (name, accuracy) in enumerate(TEAMS):
        at = NOW - 17 * DAY + n * timedelta(hours=19, minutes=7)
        if name == ada.name:
            team = factories.add_team(session, digits, name, ada, grace)
            best = factories.add_submission(
                session, digits, team, ada, accuracy=accuracy, at=at,
                note="k = 3, distances weighted", filename="knn-weighted.zip",
            )  # fmt: skip
            factories.add_standing(session, digits, team, best, accuracy)
            best.answers = {
                "own_data": "no",
                "report": "https://reports.example.org/knn",
                "gpus": 1.5,
            }
            _add_tries(session, digits, team, staff)
            submissions = {"scored": best, **_add_all_states(session, digits, team, ada)}
        else:
            factories.add_ranked(session, digits, name, accuracy, at)
    add_team_things(session, digits, ada, grace, staff)
    organiser = add_staff_things(session, digits, ada, submissions["failed"])
    session.add(MailChoice(person_id=ada.id, token=MAIL_LINK, refused=[], changed_at=NOW))
    announcement = _announce(session, digits, organiser)
    _add_log(session, submissions["site_failed"], released_by=staff)
    _add_log(session, submissions["tried"])
    _sign(session, submissions["scored"])
    _mark(session, submissions["results"], {Mark.DISQUALIFIED: staff, Mark.WITHDRAWN: ada})
    _mark_the_board(session, digits)
    _add_dry_run(session, digits, staff, submissions)
    _say_what_is_worked_on(session, submissions["queued"])
    return Scene(
        digits=digits,
        ada=ada,
        organiser=organiser,
        staff=staff,
        newcomer=newcomer,
        submissions=submissions,
        logged=_add_log(session, submissions["failed"]),
        announcement=announcement,
        questions=_ask_things(session, digits, ada, grace, staff),
    )


def _announce(session: Session, digits: Digits, organiser: Person) -> str:
    """Announce something that was corrected, and something that was taken down; return the id of the first."""
    text = """The final phase ends **two days later** than we said.

# What changes

| what | before | now |
|---|---|---|
| ends | 1 December | 3 December |

Nothing else does.
"""
    corrected = factories.add_announcement(
        session, digits, organiser, "The final phase is longer", text, edited_at=NOW - DAY / 2
    )
    factories.add_announcement(
        session, digits, organiser, "A mistake", "This was wrong.",
        at=NOW - 2 * DAY, withdrawn_at=NOW - DAY,
    )  # fmt: skip
    return corrected.id


def _mark(session: Session, submission: Submission, made: Mapping[Mark, Person]) -> None:
    """Mark a submission that stands for nobody."""
    for mark, person in made.items():
        reason = "" if mark is Mark.WITHDRAWN else "It was made with the public labels of the test."
        session.add(
            SubmissionMark(
                submission_id=submission.id,
                mark=mark,
                reason=reason,
                made_by=person.id,
                made_at=NOW,
            )
        )
    session.flush()


def _mark_the_board(session: Session, digits: Digits) -> None:
    """Let one place be verified, and the last one have no rank."""
    rows = session.scalars(
        select(Standing)
        .where(Standing.board_id == digits.dev.id)
        .order_by(Standing.rank_value.desc())
    ).all()
    rows[1].is_verified = True
    rows[-1].is_unranked = True
    session.flush()


def _add_log(session: Session, submission: Submission, *, released_by: Person | None = None) -> str:
    """Give the run of a submission a log; return the token of its attempt."""
    token = _token_of(session, submission)
    lines = "".join(
        f"epoch {n:02}  loss {1 / n:.5f}  <val> {1 / n + 0.03:.5f}\n" for n in range(1, 30)
    )
    tails = {"stdout": lines, "stderr": "UserWarning: this takes long " + "and longer " * 20}
    run_logs.keep(
        session, token, {name: Tail(text=text, truncated=False) for name, text in tails.items()}
    )
    if released_by is not None:
        session.add(
            LogRelease(
                attempt_token=token, released_by=released_by.id, released_at=NOW - DAY,
                reason="The node failed under you; here is how far it came.",
            )
        )  # fmt: skip
    session.flush()
    return token


def _say_what_is_worked_on(session: Session, submission: Submission) -> None:
    """Let a worker look through the file of a submission, while something else waits for its turn."""
    since = NOW - 3 * MINUTE
    pieces = [
        Piece(
            subject=_token_of(session, submission),
            part=Part.PREPARE,
            is_begun=True,
            size=2 * 10**9,
            since=since,
        ),
        Piece(subject="expire:main", part=Part.EXPIRE, is_begun=False, size=0, since=since),
    ]
    file_pieces.say(session, "main", pieces, now=NOW)


def _token_of(session: Session, submission: Submission) -> str:
    return session.scalars(
        select(Attempt.token)
        .join(Job, Job.id == Attempt.job_id)
        .join(Evaluation, Evaluation.id == Job.evaluation_id)
        .where(Evaluation.submission_id == submission.id)
    ).one()


def _sign(session: Session, submission: Submission) -> None:
    """Let there be a signed statement; who made it is nothing that a page shows."""
    of_it = Evaluation.submission_id == submission.id
    result = session.scalars(select(Result).join(Evaluation).where(of_it)).one()
    result.envelope = result.team_envelope = "{}"
    session.flush()


def _ask_things(
    session: Session, digits: Digits, ada: Person, grace: Person, staff: Person
) -> dict[str, str]:
    """Let participants have asked the organisers; return the ids by state."""
    session.get_one(Challenge, digits.challenge.id).q_and_a = Asking.EVERYBODY
    answer = "No. They are as the scanner made them, see **Data**."
    rows = (
        factories.add_question(session, digits, ada, "Which time zone do deadlines have?"),
        factories.add_question(
            session, digits, ada, state=QuestionState.ANSWERED, answer=answer, answered_by=staff,
            at=NOW - 3 * DAY,
        ),
        factories.add_question(
            session, digits, grace, "May we use two GPUs?", "Our model has *two* halves.",
            state=QuestionState.ANSWERED, answer="One.", answered_by=staff, at=NOW - 4 * DAY,
        ),
        factories.add_question(
            session, digits, ada, "See our score", "It is high.", state=QuestionState.HIDDEN,
            note="This is no question.", at=NOW - 5 * DAY,
        ),
    )  # fmt: skip
    factories.add_circular(session, digits, staff, ada, grace)
    return {row.state.value: row.id for row in rows}


def _add_account_things(session: Session, *people: Person) -> None:
    """Let people accept the terms, and give the first of them tokens in every state."""
    for person in people:
        session.add(
            TermsAcceptance(person_id=person.id, version=SITE_TERMS.version, accepted_at=NOW)
        )
    for n, (name, scopes, left, revoked) in enumerate(
        (
            ("nightly evaluation", ["read", "submit"], 60 * DAY, False),
            ("the old laptop", ["read"], 30 * DAY, True),
            ("workshop in May", ["read", "submit", "organise"], -20 * DAY, False),
        )
    ):
        session.add(
            ApiToken(
                id=new_id(NOW), person_id=people[0].id, name=name, secret_sha256=f"{n:064}",
                scopes=scopes, created_at=NOW - 90 * DAY, expires_at=NOW + left,
                last_used_at=NOW - DAY if n == 0 else None,
                revoked_at=NOW - 3 * DAY if revoked else None,
            )
        )  # fmt: skip
    session.flush()


def _add_all_states(
    session: Session, digits: Digits, team: Team, ada: Person
) -> dict[str, Submission]:
    def add(hours: float, state: EvaluationState, **more: Any) -> Submission:
        at = NOW - timedelta(hours=hours)
        return factories.add_submission(session, digits, team, ada, state=state, at=at, **more)

    return {
        "queued": add(0.25, E.QUEUED, filename="cnn.zip", note="First try with a network"),
        "running": add(1, E.RUNNING, filename="forest.tar.gz"),
        "failed": add(
            30, E.FAILED, filename="ensemble.tar", kind=SubmissionKind.IMAGE,
            reason=FailureReason.TIME_LIMIT,
        ),
        "site_failed": add(
            50, E.FAILED, filename="ensemble-2.tar", kind=SubmissionKind.IMAGE,
            reason=FailureReason.INFRASTRUCTURE, counts=False,
        ),
        "held": add(54, E.HELD, filename="svm.zip"),
        "results": add(
            80, E.SCORED, filename="predictions.csv", kind=SubmissionKind.RESULTS, accuracy=0.871
        ),
        "tried": add(5, E.SCORED, filename="forest.tar.gz", is_smoke=True),
        "waiting": add(0.01, E.WAITING, filename="later.zip"),
    }  # fmt: skip


def _add_other_challenges(session: Session) -> None:
    phase = factories.new_phase
    for slug, title, start, end in (
        ("cell-count", "Count the cells", 12, 80),
        ("river-levels", "Forecast river levels", -3, 25),
        ("old-maps", "Find roads on old maps", -200, -90),
        ("whale-calls", "Whose call is it? Whales in the North Atlantic", -400, -310),
    ):
        made = factories.add_challenge(
            session, slug, title, terms="",
            phases=[phase("main", "Main phase", NOW + start * DAY, NOW + end * DAY + 5 * MINUTE)],
        )  # fmt: skip
        if slug == "old-maps":
            _add_boards(session, made)


def _add_boards(session: Session, old: Digits) -> None:
    """Let a challenge have a board whose columns were revealed, beside that of its phase, and one by means of ranks."""
    old.challenge.reveal_at = NOW - 80 * DAY
    factories.add_board(
        session, old.challenge, "hidden", "Hidden test", ["main"], rule=Rule.CHOSEN, number=2,
        ranking={"by": "holdout", "ties": ["brier"]}, compare="main",
    )  # fmt: skip
    factories.add_board(
        session, old.challenge, "mean", "Mean rank", ["main"],
        ranking={"mean_rank": ["accuracy", "macro_f1", "brier"]},
    )  # fmt: skip
    for n, (name, accuracy) in enumerate(TEAMS[:12]):
        person = factories.add_person(session, f"{name} of old")
        team = factories.add_team(session, old, f"{name} of old", person)
        row = factories.add_submission(
            session, old, team, person, accuracy=accuracy, at=NOW - (100 + n) * DAY, phase="main"
        )
        result = session.scalars(
            select(Result).join(Evaluation).where(Evaluation.submission_id == row.id)
        ).one()
        result.scores = {**result.scores, "holdout": accuracy - 0.01 * (5 * n % 12)}
        standings.update(session, row)
