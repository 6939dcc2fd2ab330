"""A site with one person of each kind, and one of each thing that an address can name."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.testclient import TestClient

from portal.db.engine import Database, open_database
from portal.db.tables import (
    ApiToken,
    Attempt,
    Board,
    Challenge,
    Evaluation,
    Invitation,
    Job,
    LoginSession,
    MailChoice,
    MergeRequest,
    Organiser,
    Participation,
    Person,
    Result,
    Team,
    TermsAcceptance,
    Trouble,
    Weights,
)
from portal.domain.accounts.tokens import PREFIX, Scope
from portal.domain.challenges.questions import Asking, QuestionState
from portal.domain.challenges.revisions import RevisionState
from portal.domain.evaluations.states import EvaluationState
from portal.domain.ids import new_id
from portal.domain.leaderboards.scores import Rule
from portal.domain.permissions import Role
from portal.domain.submissions.admission import Needs
from portal.domain.submissions.questions import Question, QuestionType
from portal.domain.submissions.run_logs import Tail
from portal.domain.teams.membership_rules import MergeState, ParticipationState
from portal.services.submissions import run_logs
from portal.web.app import create_app
from portal.web.context import SiteTerms, WebContext
from portal.web.middleware.cookies import digest, new_secret
from tests.support import bundles, factories, offered_files
from tests.support.factories import DAY, NOW, Digits
from tests.support.servers.portal import log_in, new_context

TERMS = SiteTerms(version="2026-11", markdown="# Terms\n\nBe kind.")
ROLE_INVITATION = "r" * 43
INVITATION = "i" * 43
MAIL_LINK = "m" * 43

PEOPLE = {
    "visitor": "nobody is logged in",
    "newcomer": "logged in, has not accepted the site's terms",
    "person": "logged in, and nothing to this challenge",
    "other team": "in another team of the challenge",
    "team": "in the team that the address is about, and whose account it is",
    "reviewer": "reviewer of the challenge",
    "organiser": "co-organiser of the challenge",
    "owner": "owner of the challenge",
    "staff": "site staff",
}
"""The columns of the table, and what they mean."""

TOKENS = {
    "none": "no token",
    "cookie": "no token, but the cookie of an organiser",
    "read": "a team member's token with the scope `read`",
    "submit": "the same with `submit`",
    "other": "a token with `read` and `submit` of somebody in another team",
    "organiser, read": "an organiser's token with `read`",
    "organise": "an organiser's token with `organise`",
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The database to copy, and what is in it by name."""

    database: Path
    copy: Database
    """Where each request finds its copy: always the same, which knows the statements that were put together."""
    ids: Mapping[str, str]
    people: Mapping[str, str]
    tokens: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A copy of the scene that one request may change."""

    context: WebContext
    app: Starlette

    def browser(self, person_id: str | None) -> TestClient:
        """Return a browser of a person, or of a visitor."""
        client = TestClient(
            self.app,
            base_url=self.context.site_url,
            headers={"sec-fetch-site": "same-origin"},
            follow_redirects=False,
            raise_server_exceptions=False,
        )
        if person_id is not None:
            client.cookies["sealrun"] = log_in(self.context, person_id)
        return client


def new_place(directory: Path, scene: Scene | None) -> Place:
    """Return the scene with a directory of its own, once nobody uses the place before it."""
    directory.mkdir()
    database = None
    bundles.keep(directory / "blobs")
    offered_files.keep(directory / "blobs")
    if scene is not None:
        database = scene.copy
        shutil.copy(scene.database, str(database.engine.url.database))
    context = new_context(directory, database=database, terms=TERMS, sends_mail=True)
    return Place(context=context, app=create_app(context))


def make_scene(directory: Path) -> Scene:
    """Fill a database with everything."""
    place = new_place(directory, None)
    with place.context.database.writing() as session:
        digits = factories.add_challenge(session)
        session.get_one(Board, digits.dev.id).rule = Rule.CHOSEN
        challenge = session.get_one(Challenge, digits.challenge.id)
        challenge.join_policy, challenge.q_and_a = "approve", Asking.PARTICIPANTS
        people = _people(session, digits)
        ids, tokens = _things(session, digits, people)
        offered_files.offer(session, digits)
        bundles.add_revision(session, digits, 1)
        bundles.add_revision(
            session, digits, 2, changed={"title": "Digits"}, state=RevisionState.PROPOSED
        )
    place.context.database.engine.dispose()
    return Scene(
        database=directory / "sealrun.db",
        copy=open_database(f"sqlite:///{directory / 'copy.db'}"),
        ids={**ids, **{name: person.id for name, person in people.items()}},
        people={name: person.id for name, person in people.items()},
        tokens=tokens,
    )


def _people(session: Session, digits: Digits) -> dict[str, Person]:
    people = {
        name: factories.add_person(session, f"The {name}", is_staff=name == "staff")
        for name in (*PEOPLE, "applicant", "mate", "third")
        if name != "visitor"
    }
    for name, person in people.items():
        if name != "newcomer":
            session.add(
                TermsAcceptance(person_id=person.id, version=TERMS.version, accepted_at=NOW)
            )
    for name, role in (
        ("reviewer", Role.REVIEWER), ("organiser", Role.ORGANISER), ("owner", Role.OWNER),
    ):  # fmt: skip
        session.add(
            Organiser(challenge_id=digits.challenge.id, person_id=people[name].id, role=role)
        )
    for name in ("team", "mate", "other team"):
        factories.add_account(session, people[name], f"{name}@nordholm.example")
    states = {
        "team": ParticipationState.ADMITTED,
        "mate": ParticipationState.ADMITTED,
        "other team": ParticipationState.ADMITTED,
        "applicant": ParticipationState.ASKED,
    }
    for name, state in states.items():
        session.add(
            Participation(
                challenge_id=digits.challenge.id, person_id=people[name].id, state=state,
                asked_at=NOW - DAY, terms_sha256=digest(digits.challenge.terms),
            )
        )  # fmt: skip
    session.flush()
    return people


def _things(
    session: Session, digits: Digits, people: Mapping[str, Person]
) -> tuple[dict[str, str], dict[str, str]]:
    digits.challenge.questions = [
        Question(
            key="own_data", title="Own data used?", type=QuestionType.CHOICE, choices=("yes", "no")
        ).as_json()
    ]
    digits.phases["final"].after_slug = "dev"
    digits.phases["final"].after_needs = Needs.ORGANISERS
    team = factories.add_team(session, digits, "Team Ada", people["team"], people["mate"])
    other = factories.add_team(session, digits, "Team Eve", people["other team"])
    factories.add_team(session, digits, "Team Third", people["third"])
    submission = factories.add_submission(
        session, digits, team, people["team"], accuracy=0.912, filename="ada.zip", note="a note",
    )  # fmt: skip
    factories.add_standing(session, digits, team, submission, 0.912)
    running = factories.add_submission(
        session, digits, team, people["team"], state=EvaluationState.WAITING, filename="more.zip",
    )  # fmt: skip
    second = factories.add_account(session, people["team"], "guest@nordholm.example")
    for person, name in ((people["team"], "other browser"), (people["person"], "browser")):
        session.add(
            LoginSession(
                secret_sha256=digest(name), id=new_id(NOW), person_id=person.id, data={},
                created_at=NOW, seen_at=NOW, expires_at=NOW + DAY,
            )
        )  # fmt: skip
    session.flush()
    session.add(
        Invitation(
            id=new_id(NOW), team_id=team.id, secret_sha256=digest(INVITATION),
            created_by=people["team"].id, created_at=NOW, expires_at=NOW + DAY,
        )
    )  # fmt: skip
    result = session.query(Result).one()
    result.envelope = result.team_envelope = "{}"
    weights = Weights(
        id=new_id(NOW), challenge_id=digits.challenge.id, team_id=team.id,
        person_id=people["team"].id, blob_sha256=submission.blob_sha256, filename="model.bin",
        created_at=NOW,
    )  # fmt: skip
    session.add(weights)
    session.add(
        MailChoice(person_id=people["team"].id, token=MAIL_LINK, refused=[], changed_at=NOW)
    )
    waiting = select(Evaluation.id).where(Evaluation.submission_id == running.id)
    aside = Trouble(
        id=new_id(NOW), cluster="main", step="collect", subject=session.scalars(waiting).one(), tries=1,
        problem="ValueError: odd", first_at=NOW, last_at=NOW, next_at=None,
    )  # fmt: skip
    session.add(aside)
    session.flush()
    ids = {
        "attention": aside.id,
        "announcement": factories.add_announcement(session, digits, people["owner"]).id,
        "slug": "digits",
        "weights": weights.id,
        "own team": team.id,
        "submission": submission.id,
        "attempt": _with_log(session, submission.id),
        "waiting": running.id,
        "issuer": second.issuer,
        "subject": second.subject,
        "other browser": _session_of(session, people["team"]),
        "browser": _session_of(session, people["person"]),
        "invitation": session.query(Invitation).one().id,
        "question": factories.add_question(
            session,
            digits,
            people["team"],
            state=QuestionState.ANSWERED,
            answer="So.",
            answered_by=people["owner"],
        ).id,
        "circular": factories.add_circular(session, digits, people["owner"]).id,
        "role invitation": _invited(session, digits, people["owner"]),
        "merge": _merge(session, other, team, people["other team"]),
    }
    tokens = {}
    for name, owner, scopes in (
        ("read", "team", [Scope.READ]),
        ("submit", "team", [Scope.SUBMIT]),
        ("other", "other team", [Scope.READ, Scope.SUBMIT]),
        ("organiser, read", "organiser", [Scope.READ]),
        ("organise", "organiser", [Scope.READ, Scope.ORGANISE]),
    ):
        row, secret = _token(people[owner], scopes)
        session.add(row)
        tokens[name] = secret
        ids[f"token {name}"] = row.id
    session.flush()
    return ids, tokens


def _with_log(session: Session, submission_id: str) -> str:
    """Give a run of a submission a log; return the attempt's token."""
    token = session.scalars(
        select(Attempt.token)
        .join(Job)
        .join(Evaluation, Evaluation.id == Job.evaluation_id)
        .where(Evaluation.submission_id == submission_id)
    ).first()
    run_logs.keep(session, str(token), {"stdout": Tail(text="what it wrote", truncated=False)})
    return str(token)


def _invited(session: Session, digits: Digits, owner: Person) -> str:
    """Invite an address to be an owner; return the id."""
    row = factories.add_role_invitation(session, digits, owner, ROLE_INVITATION)
    return row.id


def _session_of(session: Session, person: Person) -> str:
    return session.query(LoginSession).filter_by(person_id=person.id).one().id


def _merge(session: Session, asker: Team, asked: Team, person: Person) -> str:
    row = MergeRequest(
        id=new_id(NOW), from_team_id=asker.id, to_team_id=asked.id, state=MergeState.ASKED,
        asked_by=person.id, asked_at=NOW,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def _token(owner: Person, scopes: list[Scope]) -> tuple[ApiToken, str]:
    secret = PREFIX + new_secret()
    row = ApiToken(
        id=new_id(NOW), person_id=owner.id, name="for the table", secret_sha256=digest(secret),
        scopes=[str(scope) for scope in scopes], created_at=NOW - DAY,
        expires_at=NOW + timedelta(days=30),
    )  # fmt: skip
    return row, secret
