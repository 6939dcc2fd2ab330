"""What is going on between people and teams in the scene: links, mergers, requests, hints."""

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import (
    Challenge,
    Invitation,
    Membership,
    MergeRequest,
    Participation,
    PastMembership,
    Person,
    Submission,
    Team,
)
from portal.domain.ids import new_id
from portal.domain.permissions import Role
from portal.domain.teams.membership_rules import INVITATION_LASTS, MergeState, ParticipationState
from tests.support import factories
from tests.support.factories import DAY, MINUTE, NOW, Digits

INVITATION = "the-code-of-a-link-into-the-team-of-ada-vlas"
ROLE_INVITATION = "the-code-of-a-link-to-work-for-the-challenge"
P = ParticipationState


def add_team_things(
    session: Session, digits: Digits, ada: Person, grace: Person, staff: Person
) -> None:
    """Add what Ada's team sees of itself, and what organisers see of everybody."""
    teams = {
        team.name: team
        for team in session.scalars(select(Team).where(Team.challenge_id == digits.challenge.id))
    }
    own = teams[ada.name]
    _add_links(session, own, ada, grace)
    _add_merges(session, own, ada, asks=teams["Eight by Eight"], asked_by=teams["Bayes Watch"])
    _add_requests(session, digits)
    _add_hints(session, digits, teams)
    _ask_before_joining(session, staff)
    _invite_to_roles(session, digits, staff, grace)


def _invite_to_roles(session: Session, digits: Digits, staff: Person, grace: Person) -> None:
    factories.add_role_invitation(session, digits, staff, ROLE_INVITATION, role=Role.OWNER)
    accepted = factories.add_role_invitation(
        session, digits, staff, address="okafor@nordholm.example", at=NOW - 3 * DAY
    )
    accepted.accepted_by, accepted.accepted_at = grace.id, NOW - 2 * DAY
    withdrawn = factories.add_role_invitation(
        session, digits, staff, address="typo@nordholm.example", at=NOW - 4 * DAY
    )
    withdrawn.withdrawn_at = NOW - 3 * DAY
    session.flush()


def _add_links(session: Session, team: Team, ada: Person, grace: Person) -> None:
    for n, (person, code) in enumerate(((ada, INVITATION), (grace, "another"))):
        made = NOW - (n + 1) * DAY
        session.add(
            Invitation(
                id=new_id(made), team_id=team.id, created_by=person.id, created_at=made,
                secret_sha256=hashlib.sha256(code.encode()).hexdigest(),
                expires_at=made + INVITATION_LASTS,
            )
        )  # fmt: skip
    session.flush()


def _add_merges(session: Session, own: Team, ada: Person, *, asks: Team, asked_by: Team) -> None:
    other = session.scalars(select(Membership).where(Membership.team_id == asked_by.id)).one()
    for start, to, person_id in (
        (asked_by, own, other.person_id),
        (own, asks, ada.id),
    ):
        session.add(
            MergeRequest(
                id=new_id(NOW), from_team_id=start.id, to_team_id=to.id, state=MergeState.ASKED,
                asked_by=person_id, asked_at=NOW - 200 * MINUTE,
            )
        )  # fmt: skip
    session.flush()


def _add_requests(session: Session, digits: Digits) -> None:
    for n, (name, state, note) in enumerate(
        (
            ("Nils Holmgren", P.ASKED, "I am in Dr. Solheim's seminar on pattern recognition."),
            ("Eleni Παπαδοπούλου", P.ASKED, ""),
            ("Sam Burner", P.DECLINED, "please let me in, this is my second account"),
        )
    ):
        person = factories.add_person(session, name)
        _take_part(session, digits.challenge, person.id, state, note, hours=7 * (n + 1))
    session.flush()


def _add_hints(session: Session, digits: Digits, teams: dict[str, Team]) -> None:
    def first(name: str) -> Submission:
        mine = select(Submission).where(Submission.team_id == teams[name].id)
        return session.scalars(mine).one()

    overfitters, losers = first("The Overfitters"), first("Loss Leaders")
    losers.blob_sha256 = overfitters.blob_sha256
    for n, submission in enumerate((first("Cold Start"), first("Tangent Space"))):
        person = session.get_one(Person, submission.person_id)
        account = factories.add_account(session, person, f"guest-{n}@nordholm.example")
        account.unique_id = "a1b2c3@nordholm.example"
        _take_part(session, digits.challenge, person.id, P.ADMITTED, "", hours=400)
    session.add(
        PastMembership(
            id=new_id(NOW), team_id=teams["Null Hypothesis"].id, joined_at=NOW - 16 * DAY,
            challenge_id=digits.challenge.id, person_id=first("Quiet Quantiles").person_id,
            left_at=NOW - 3 * DAY,
        )
    )  # fmt: skip
    session.flush()


def _ask_before_joining(session: Session, asker: Person) -> None:
    """Let the organisers of another challenge decide who takes part; somebody has asked them."""
    row = session.scalars(select(Challenge).where(Challenge.slug == "river-levels")).one()
    row.join_policy = "approve"
    row.terms = "The data may be used for this challenge only, and is deleted when it ends."
    _take_part(session, row, asker.id, P.ASKED, "I measure the Elv myself.", hours=2)
    session.flush()


def _take_part(
    session: Session,
    challenge: Challenge,
    person_id: str,
    state: ParticipationState,
    note: str,
    *,
    hours: int,
) -> None:
    session.add(
        Participation(
            challenge_id=challenge.id, person_id=person_id, state=state, note=note,
            asked_at=NOW - hours * 60 * MINUTE,
        )
    )  # fmt: skip
