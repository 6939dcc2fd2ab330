"""Taking one's data along, and having them deleted; on both databases."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import String, Text, select

from portal.db.engine import Database
from portal.db.tables import (
    Account,
    ApiToken,
    AuditEntry,
    Base,
    Challenge,
    Evaluation,
    Invitation,
    LoginSession,
    Membership,
    MergeRequest,
    Organiser,
    Participation,
    PastMembership,
    Person,
    Phase,
    Submission,
    Team,
    TermsAcceptance,
)
from portal.domain.accounts.claims import Identity
from portal.domain.accounts.people import Actor
from portal.domain.accounts.tokens import PREFIX, digest
from portal.domain.audit import Action, Subject
from portal.domain.ids import new_id
from portal.domain.permissions import Role
from portal.domain.teams.membership_rules import MergeState, ParticipationState
from portal.services.accounts import deletion, sign_in
from portal.services.accounts.export import COVERED
from portal.services.audit import log as audit_log
from portal.services.audit.verify import verify
from portal.services.mail import choices, queue
from portal.services.teams import mergers
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site, SiteMaker

ISSUER, SUBJECT = "https://login.example.org", "av1852@nordholm.example"
CLAIMS = {"name": "Ada Vlasák", "email": "ada.vlasak@nordholm.example", "email_verified": True}
ADDRESS, AGENT = "192.0.2.77", "Mozilla/5.0 (Ada's own)"


@pytest.fixture
def site(new_site: SiteMaker, database: Database) -> Site:
    """Return the site in which Ada has left traces in every table that can hold some."""
    site = new_site(database=database)
    with database.writing() as session:
        _trace(site, session)
    return site


def _trace(site: Site, session) -> None:
    ada = session.get_one(Person, site.ada.id)
    challenge = site.digits.challenge.id
    team = session.scalars(select(Team).where(Team.name == "Team Ada")).one()
    other = session.scalars(select(Team).where(Team.name == "Team Eve")).one()
    team.name, team.named_after = "Ada Vlasák", ada.id
    account = factories.add_account(session, ada, SUBJECT)
    account.claims, account.unique_id = CLAIMS, "av1852@unique.example"
    session.add(TermsAcceptance(person_id=ada.id, version="2026-11", accepted_at=NOW))
    session.add(
        LoginSession(
            secret_sha256="5" * 64, id=new_id(NOW), person_id=ada.id, issuer=ISSUER,
            subject=SUBJECT, id_token="signed.words.of-ada", data={}, created_at=NOW, seen_at=NOW,
            expires_at=NOW + DAY, agent=AGENT, origin=ADDRESS,
        )
    )  # fmt: skip
    for person, decider, note in (
        (site.ada.id, site.organiser.id, "I am Ada and write to organisers"),
        (site.newcomer.id, site.ada.id, "Nina wrote this to organisers"),
    ):
        session.add(
            Participation(
                challenge_id=challenge, person_id=person, decided_by=decider, note=note,
                state=ParticipationState.ADMITTED, asked_at=NOW - DAY, decided_at=NOW,
            )
        )  # fmt: skip
    session.add(
        PastMembership(
            id=new_id(NOW), team_id=other.id, challenge_id=challenge, person_id=ada.id,
            joined_at=NOW - 3 * DAY, left_at=NOW - 2 * DAY,
        )
    )  # fmt: skip
    session.add(
        Invitation(
            id=new_id(NOW), team_id=team.id, secret_sha256="6" * 64, created_by=ada.id,
            created_at=NOW, expires_at=NOW + DAY,
        )
    )  # fmt: skip
    session.add(
        MergeRequest(
            id=new_id(NOW), from_team_id=team.id, to_team_id=other.id, state=MergeState.ASKED,
            asked_by=ada.id, asked_at=NOW,
        )
    )  # fmt: skip
    session.add(Organiser(challenge_id=challenge, person_id=ada.id, role=Role.REVIEWER))
    factories.add_revision(session, site.digits, by=ada)
    row = factories.add_announcement(session, site.digits, ada)
    choices.choice_of(session, ada.id, now=NOW)
    queue.announced(session, row, now=NOW)
    audit_log.note(
        session, actor=Actor(person_id=ada.id, origin=ADDRESS), action=Action.TEAM_INVITED,
        subject=Subject(kind="team", id=team.id), now=NOW,
    )  # fmt: skip


def make_token(site: Site) -> str:
    data = {"name": "Ada's laptop", "scope_read": "yes", "days": "30"}
    page = site.browser(site.ada).post("/account/tokens", data=data).text
    return re.findall(rf'id="secret">({PREFIX}[\w-]{{43}})<', page)[0]


def entries(site: Site, action: Action) -> list[AuditEntry]:
    with site.context.database.reading() as session:
        rows = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.number)
        return list(session.scalars(rows))


def exported(site: Site, person: Person | None = None) -> dict:
    answer = site.browser(person or site.ada).get("/account/export")
    assert answer.status_code == 200
    return json.loads(answer.text)


# --- taking them along


def test_every_column_that_refers_to_people_is_exported_or_this_fails() -> None:
    referring = {
        (table.name, key.parent.name)
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "people"
    }
    covered = {
        (column.class_.__tablename__, column.key)
        for columns in COVERED.values()
        for column in columns
    }

    assert referring | {("people", "id"), ("audit_entries", "actor_id")} == covered


def test_everything_of_the_person_is_in_it(site: Site) -> None:
    make_token(site)

    told = exported(site)

    assert {name: len(told[name]) for name in COVERED} == {
        "person": 1, "accounts": 1, "terms": 1, "sessions": 3, "tokens": 1, "roles": 1,
        "participations": 2, "memberships": 1, "past_memberships": 1, "teams_named_after_me": 1,
        "invitations": 1, "merge_requests": 1, "submissions": 1, "weights": 0, "cancellations": 0,
        "log_releases": 0, "marks": 0, "picks": 0, "extra_tries": 0, "phase_admissions": 0,
        "challenge_revisions": 1, "dry_runs": 0, "announcements": 1,
        "questions": 0, "role_invitations": 0, "circulars": 0,
        "mails": 1, "mail_choices": 1,
        "audit_entries": 2,
    }  # fmt: skip
    assert told["person"][0]["name"] == "Ada Vlasák"
    assert told["accounts"][0]["claims"] == CLAIMS
    assert told["memberships"][0]["team"] == "Ada Vlasák"
    assert told["memberships"][0]["challenge"] == "digits"
    assert told["past_memberships"][0]["team"] == "Team Eve"
    assert told["merge_requests"][0]["to_team"] == "Team Eve"
    assert {row["origin"] for row in told["audit_entries"]} == {ADDRESS, "testclient"}
    [submission] = told["submissions"]
    assert (submission["note"], submission["filename"]) == ("a note of Ada's", "ada.zip")
    assert submission["evaluations"] == [
        {
            "state": "scored", "reason": None, "message": "",
            "scores": {"accuracy": 0.912, "macro_f1": 0.899, "brier": 0.053},
        }
    ]  # fmt: skip


def test_it_is_a_file_that_is_not_kept_on_the_way_and_is_written_down(site: Site) -> None:
    answer = site.browser(site.ada).get("/account/export")

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="sealrun-my-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    [entry] = entries(site, Action.DATA_EXPORTED)
    assert (entry.actor_id, entry.subject_id, entry.detail) == (site.ada.id, site.ada.id, {})


def test_nothing_in_it_opens_anything(site: Site) -> None:
    secret = make_token(site)
    browser = site.browser(site.ada)

    text = browser.get("/account/export").text

    for word in (
        secret, digest(secret), browser.cookies["sealrun"], digest(browser.cookies["sealrun"]),
        "5" * 64, "6" * 64, "signed.words.of-ada",
    ):  # fmt: skip
        assert word not in text


def test_what_others_wrote_and_what_is_sealed_is_not_in_it(site: Site) -> None:
    with site.context.database.writing() as session:
        session.scalars(select(Evaluation)).one().detail = "sealed words of the scorer"

    text = site.browser(site.ada).get("/account/export").text

    assert "I am Ada and write to organisers" in text
    assert "Nina wrote this" not in text
    assert "Nina New" not in text
    assert "sealed words" not in text
    assert "holdout" not in text


def test_scores_are_in_it_as_far_as_the_person_is_told_them(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).reveal_at = NOW
    [revealed] = exported(site)["submissions"]
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).feedback = "none"
    [untold] = exported(site)["submissions"]

    assert revealed["evaluations"][0]["scores"]["holdout"] == 0.885
    assert untold["evaluations"][0]["scores"] == {}


def test_it_takes_as_many_queries_for_many_submissions(site: Site) -> None:
    browser = site.browser(site.ada)
    counts = []
    for more in (0, 3):
        with site.context.database.writing() as session:
            team = session.scalars(select(Team).where(Team.named_after == site.ada.id)).one()
            ada = session.get_one(Person, site.ada.id)
            for n in range(more):
                factories.add_submission(
                    session, site.digits, team, ada, at=NOW - timedelta(minutes=n)
                )
        with site.counted_queries() as statements:
            told = json.loads(browser.get("/account/export").text)
        counts.append(len([s for s in statements if s.startswith("SELECT")]))

    assert len(told["submissions"]) == 4
    assert counts[0] == counts[1]


# --- having them deleted


def delete_ada(site: Site, typed: str = "Ada Vlasák"):
    answer = site.browser(site.ada).post("/account/delete", data={"typed": typed})
    # The worker's part, as its account alone may change entries of the audit log.
    with site.context.database.writing() as session:
        deletion.forget_origins(session)
    return answer


def test_nothing_is_left_by_which_the_person_could_be_known(site: Site) -> None:
    make_token(site)
    exported(site)
    words = (
        "Ada", "Vlas", SUBJECT, "ada.vlasak", "av1852", ADDRESS, AGENT, "testclient", "127.0.0.1",
        "signed.words", "a note of", "ada.zip", "I am Ada",
    )  # fmt: skip
    before = {word for _, _, word in _texts_with(site, *words)}

    answer = delete_ada(site)

    assert answer.headers["location"] == "/"
    assert before == set(words)
    assert _texts_with(site, *words) == []


def _texts_with(site: Site, *words: str) -> list[tuple[str, str, str]]:
    """Look through every text of the whole database."""
    found = []
    with site.context.database.reading() as session:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                is_text = isinstance(column.type, String | Text) or "JSON" in str(column.type)
                for value in session.scalars(select(column)) if is_text else ():
                    found += [
                        (table.name, column.name, word) for word in words if word in str(value)
                    ]
    return found


def test_ways_in_go_and_the_row_keeps_the_pseudonym(site: Site) -> None:
    secret = make_token(site)
    other = site.browser(site.ada)
    pseudonym = site.ada.pseudonym

    answer = delete_ada(site)

    assert answer.headers["set-cookie"].startswith('sealrun=""; ')
    assert other.get("/account").headers["location"].startswith("/login")
    assert site.program(secret).get("/api/v1/me").status_code == 401
    with site.context.database.reading() as session:
        row = session.get_one(Person, site.ada.id)
        for table in (Account, ApiToken, TermsAcceptance, Invitation, LoginSession):
            assert session.scalars(select(table)).all() == []
        roles = session.scalars(select(Organiser.person_id)).all()
    assert (row.name, row.display_name, row.shown_as) == (pseudonym, "", "pseudonym")
    assert (row.is_staff, row.deleted_at) == (False, NOW)
    assert roles == [site.organiser.id]


def test_the_leaderboard_says_the_same_under_the_pseudonym(site: Site) -> None:
    with site.context.database.writing() as session:
        for name, accuracy in (("Better", 0.95), ("Just as good", 0.912), ("Worse", 0.7)):
            factories.add_ranked(session, site.digits, name, accuracy)
    before = site.browser().get("/challenges/digits/leaderboard").text

    delete_ada(site)

    after = site.browser().get("/challenges/digits/leaderboard").text
    assert before.count("Ada Vlasák") > 0
    assert _rows(after) == _rows(before.replace("Ada Vlasák", site.ada.pseudonym))
    assert len(_rows(after)) == 5
    with site.context.database.reading() as session:
        assert session.scalars(
            select(Membership.team_id).where(Membership.person_id == site.ada.id)
        ).one()


def _rows(page: str) -> list[str]:
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in page.split("<tr")[1:]]


def test_the_audit_log_forgets_from_where_and_its_chain_holds(site: Site) -> None:
    make_token(site)

    delete_ada(site)

    with site.context.database.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
        assert verify(session).problem is None
    assert [row.action for row in rows] == [
        Action.TEAM_INVITED, Action.TOKEN_MADE, Action.PERSON_DELETED,
    ]  # fmt: skip
    assert [row.origin for row in rows] == [None, None, ""]
    assert {row.actor_id for row in rows} == {site.ada.id}
    assert rows[-1].subject_id == site.ada.id


def test_it_forgets_where_those_were_who_became_this_person(site: Site) -> None:
    became = [("absorbed-before", "absorbed"), ("absorbed", site.ada.id)]
    with site.context.database.writing() as session:
        for one, other in became:
            audit_log.note(
                session, actor=Actor(person_id=one, origin=ADDRESS), action=Action.LOGGED_IN,
                subject=Subject(kind="person", id=one), now=NOW,
            )  # fmt: skip
            audit_log.note(
                session, actor=Actor(person_id=other, origin=ADDRESS), action=Action.PEOPLE_JOINED,
                subject=Subject(kind="person", id=one), now=NOW,
            )  # fmt: skip
        audit_log.note(
            session, actor=Actor(person_id=site.eve.id, origin="192.0.2.5"), now=NOW,
            action=Action.LOGGED_IN, subject=Subject(kind="person", id=site.eve.id),
        )  # fmt: skip
    told = exported(site)["audit_entries"]

    delete_ada(site)

    assert {row["actor_id"] for row in told} == {site.ada.id, "absorbed", "absorbed-before"}
    assert _texts_with(site, ADDRESS) == []
    assert [entry.origin for entry in entries(site, Action.LOGGED_IN)] == [None, None, "192.0.2.5"]


def test_whoever_logs_in_again_is_somebody_new(site: Site) -> None:
    delete_ada(site)

    identity = Identity(issuer=ISSUER, subject=SUBJECT, claims=CLAIMS)
    with site.context.database.writing() as session:
        again = sign_in.sign_in(
            session, identity=identity, provider_id="campus", grants_staff=False,
            origin=ADDRESS, now=NOW,
        )  # fmt: skip

    with site.context.database.reading() as session:
        old, new = session.get_one(Person, site.ada.id), session.get_one(Person, again)
        memberships = session.scalars(select(Membership).where(Membership.person_id == again)).all()
    assert again != site.ada.id
    assert (old.name, new.name) == (site.ada.pseudonym, "Ada Vlasák")
    assert new.pseudonym != old.pseudonym
    assert memberships == []


def test_nothing_is_deleted_before_the_name_is_typed(site: Site) -> None:
    answer = delete_ada(site, typed="ada")

    assert answer.status_code == 422
    assert "Type your name as it is shown here." in answer.text
    assert entries(site, Action.PERSON_DELETED) == []
    assert "Ada Vlasák" in site.browser(site.ada).get("/account").text


def test_a_name_counts_as_typed_however_its_accents_are_written(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Person, site.ada.id).display_name = "Zoe\u0308"

    answer = delete_ada(site, typed=" Zo\u00eb ")

    assert answer.status_code == 303
    assert len(entries(site, Action.PERSON_DELETED)) == 1


def test_the_only_owner_of_a_challenge_hands_it_over_first(site: Site) -> None:
    challenge = site.digits.challenge.id
    with site.context.database.writing() as session:
        session.get_one(Organiser, (challenge, site.ada.id)).role = Role.OWNER
        session.get_one(Organiser, (challenge, site.organiser.id)).role = Role.ORGANISER

    page = site.browser(site.ada).get("/account/delete").text
    refused = delete_ada(site)
    with site.context.database.writing() as session:
        session.get_one(Organiser, (challenge, site.organiser.id)).role = Role.OWNER
    allowed = delete_ada(site)

    assert "Make somebody else an owner of Read the digits first." in page
    assert refused.status_code == 422
    assert "You are the only owner of Read the digits." in refused.text
    assert allowed.status_code == 303


def test_a_team_that_has_merged_into_another_forgets_the_name_as_well(site: Site) -> None:
    with site.context.database.writing() as session:
        merged = session.scalars(select(Team.id).where(Team.named_after == site.ada.id)).one()
        mergers.accept(
            session, actor=Actor(person_id=site.eve.id), slug="digits",
            request_id=session.scalars(select(MergeRequest.id)).one(), now=NOW,
        )  # fmt: skip
    with site.context.database.reading() as session:
        before = session.get_one(Team, merged).name

    delete_ada(site)

    with site.context.database.reading() as session:
        after = session.get_one(Team, merged).name
        others = session.scalars(select(Team.name).where(Team.id != merged)).all()
    assert before == f"Ada Vlasák (merged {merged})"
    assert after == f"{site.ada.pseudonym} (merged {merged})"
    assert others == ["Team Eve"]


def test_a_team_that_others_share_keeps_the_name_that_it_was_given(site: Site) -> None:
    with site.context.database.writing() as session:
        team = session.scalars(select(Team).where(Team.named_after == site.ada.id)).one()
        team.name, team.named_after = "The Sharers", None
        session.add(
            Membership(
                team_id=team.id, person_id=site.newcomer.id,
                challenge_id=site.digits.challenge.id, joined_at=NOW,
            )
        )  # fmt: skip

    delete_ada(site)

    with site.context.database.reading() as session:
        assert session.get_one(Team, team.id).name == "The Sharers"
        submitted = session.get_one(Submission, site.submission_id)
    assert (submitted.person_id, submitted.note) == (site.ada.id, "")
    page = site.browser(site.newcomer).get(f"/submissions/{site.submission_id}").text
    assert site.ada.pseudonym in page


def test_a_team_that_carries_the_name_takes_the_pseudonym_though_others_share_it(
    site: Site,
) -> None:
    with site.context.database.writing() as session:
        team = session.scalars(select(Team).where(Team.named_after == site.ada.id)).one()
        session.add(
            Membership(
                team_id=team.id, person_id=site.newcomer.id,
                challenge_id=site.digits.challenge.id, joined_at=NOW,
            )
        )  # fmt: skip

    delete_ada(site)

    with site.context.database.reading() as session:
        assert session.get_one(Team, team.id).name == site.ada.pseudonym
