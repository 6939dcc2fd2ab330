"""What staff see of people, and how they end sessions and let somebody in no more."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db.tables import Account, ApiToken, AuditEntry, Challenge, LoginSession, Person
from portal.domain.accounts.gates import Gate
from portal.domain.accounts.tokens import Scope
from portal.domain.audit import Action
from portal.domain.ids import new_id
from portal.domain.permissions import Role
from portal.web.context import Provider
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.servers.portal import log_in
from tests.support.web.site import Site, SiteMaker


def _entries(site: Site) -> list[AuditEntry]:
    with site.context.database.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.number)))


def _person(site: Site, person: Person) -> Person:
    with site.context.database.reading() as session:
        return session.get_one(Person, person.id)


def _sessions(site: Site, person: Person) -> list[str]:
    with site.context.database.reading() as session:
        ids = select(LoginSession.id).where(LoginSession.person_id == person.id)
        return list(session.scalars(ids))


def _named(page: str) -> list[str]:
    """Return the names in the list of people."""
    return re.findall(r'<a href="/staff/people/\w+">([^<]*)</a>', page)


def _add_token(site: Site, owner: Person, name: str, **more: object) -> None:
    with site.context.database.writing() as session:
        session.add(
            ApiToken(
                id=new_id(NOW), person_id=owner.id, name=name, secret_sha256=new_id(NOW) * 3,
                scopes=["read", "submit"], created_at=NOW, expires_at=NOW + 30 * DAY, **more,
            )
        )  # fmt: skip


def test_the_numbers_are_those_of_the_site(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Person, site.eve.id).blocked_at = NOW

    page = " ".join(site.browser(site.staff).get("/staff").text.split())

    assert "5 people</a>, 1 of them blocked" in page
    assert "<dt>Logged in</dt><dd>1 browser</dd>" in page
    assert "1 submission<" in page
    assert "0 evaluations<" in page
    assert '<a href="/staff/audit">0 entries</a>' in page


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["Ada Vlasák", "Eve Other", "Nina New", "Oda Organiser", "Site Staff"]),
        ("vlas", ["Ada Vlasák"]),
        ("O", ["Eve Other", "Oda Organiser"]),
        ("NUMBER", ["Nina New"]),
        ("ada@nordholm.example", ["Ada Vlasák"]),
        ("https://login.example.org ada@nordholm.example", ["Ada Vlasák"]),
        ("https://login.example.org", []),
        ("https://other.example.org ada@nordholm.example", []),
        ("Clever Heron", ["Eve Other"]),
        ("Evie", ["Eve Other"]),
        ("%", []),
        ("nobody", []),
    ],
)
def test_people_are_found(site: Site, words: str, found: list[str]) -> None:
    with site.context.database.writing() as session:
        for person in session.scalars(select(Person)):
            person.pseudonym = f"Number {person.id}"
        factories.add_account(session, site.ada, "ada@nordholm.example")
        eve = session.get_one(Person, site.eve.id)
        eve.pseudonym, eve.display_name = "Clever Heron 12345", "Evie"
    names = {"Evie": "Eve Other"}  # people are called as they want to be

    words = words.replace("NUMBER", site.newcomer.id)
    page = site.browser(site.staff).get("/staff/people", params={"q": words}).text

    shown = sorted(names.get(name, name) for name in _named(page))
    # A letter of the pseudonyms' common word is in everybody's.
    assert shown == ([] if words == "%" else found)


@pytest.mark.parametrize("more", [0, 60])
def test_the_list_of_people_takes_two_queries(site: Site, more: int) -> None:
    with site.context.database.writing() as session:
        for n in range(more):
            factories.add_person(session, f"More {n}")
    browser = site.browser(site.staff)

    with site.counted_queries() as statements:
        page = browser.get("/staff/people").text

    assert len(_named(page)) == min(5 + more, 50)
    assert f"{5 + more} people" in page
    assert len([s for s in statements if s.startswith("SELECT")]) == 2


def test_the_pages_of_a_search_keep_its_words(site: Site) -> None:
    with site.context.database.writing() as session:
        for n in range(60):
            factories.add_person(session, f"M&M {n:02}")
    browser = site.browser(site.staff)

    first = browser.get("/staff/people", params={"q": "m&m"}).text
    [address] = re.findall(r'<a href="([^"]*)" rel="next"', first)
    second = browser.get("/staff/people" + address.replace("&amp;", "&")).text

    assert len(_named(first)) == 50
    assert _named(second) == [f"M&amp;M {n}" for n in range(50, 60)]
    assert browser.get("/staff/people?q=m%26m&page=3").status_code == 404


def test_each_look_at_a_person_is_written_down(site: Site) -> None:
    browser = site.browser(site.staff)

    for _ in range(2):
        browser.get(f"/staff/people/{site.ada.id}")

    assert [(e.action, e.actor_id, e.subject_kind, e.subject_id) for e in _entries(site)] == [
        (Action.PERSON_LOOKED_AT, site.staff.id, "person", site.ada.id)
    ] * 2


@pytest.mark.parametrize("who", ["ada", "organiser", "staff"])
def test_a_look_that_is_refused_or_finds_nobody_is_no_look(site: Site, who: str) -> None:
    browser = site.browser(getattr(site, who))

    answer = browser.get(f"/staff/people/{'nobody' if who == 'staff' else site.eve.id}")

    assert answer.status_code == 404
    assert _entries(site) == []


def test_a_persons_page_shows_the_claims_that_rules_look_at_and_no_others(
    new_site: SiteMaker,
) -> None:
    site = new_site(
        providers=(
            Provider(
                id="campus", title="Campus", issuer="https://login.example.org", client_id="c",
                client_secret="s", staff={"entitlement": ("urn:staff",)},
                require=(Gate(title="MFA", claims={"acr": ("mfa",)}),),
            ),
        )
    )  # fmt: skip
    with site.context.database.writing() as session:
        account = factories.add_account(session, site.ada, "ada@nordholm.example")
        account.claims = {
            "entitlement": ["urn:one", "urn:two"], "acr": "mfa", "affiliation": "member@uni",
            "email": "ada@private.example", "birthdate": "1815-12-10",
        }  # fmt: skip
        session.get_one(Challenge, site.digits.challenge.id).join_gate = Gate(
            title="Members", claims={"affiliation": ("member@uni",)}
        ).as_json()

    page = site.browser(site.staff).get(f"/staff/people/{site.ada.id}").text

    assert "<code>entitlement</code>: urn:one, urn:two" in page
    assert "<code>acr</code>: mfa" in page
    assert "<code>affiliation</code>: member@uni" in page
    assert "ada@private.example" not in page
    assert "1815" not in page


def test_a_persons_page_shows_sessions_tokens_roles_and_teams(site: Site) -> None:
    log_in(site.context, site.ada.id)
    _add_token(site, site.ada, "laptop", last_used_at=NOW)
    _add_token(site, site.ada, "old one", revoked_at=NOW)
    with site.context.database.writing() as session:
        other = factories.add_challenge(session, "other", "Another one")
        factories.add_organiser(session, other, site.ada, Role.REVIEWER)

    page = " ".join(site.browser(site.staff).get(f"/staff/people/{site.ada.id}").text.split())

    assert 'class="agent">tests</th> <td>127.0.0.1</td>' in page
    assert '<th scope="row">laptop</th> <td>read, submit</td>' in page
    assert "revoked <time" in page
    assert '<a href="/challenges/other/roles">Another one</a></th><td>Reviewer</td>' in page
    assert "Team Team Ada" in page
    with site.context.database.reading() as session:
        secrets = session.scalars(select(ApiToken.secret_sha256)).all()
    assert not any(secret in page for secret in secrets)


def test_of_somebody_who_is_deleted_only_the_pseudonym_is_shown(site: Site) -> None:
    with site.context.database.writing() as session:
        ada = session.get_one(Person, site.ada.id)
        ada.deleted_at, ada.pseudonym, ada.display_name = NOW, "Quiet Heron 48213", "Countess"
    browser = site.browser(site.staff)

    page = browser.get(f"/staff/people/{site.ada.id}").text

    assert "<h1>Quiet Heron 48213</h1>" in page
    assert "Vlasák" not in page
    assert "Countess" not in page
    assert "/block" not in page
    assert "Quiet Heron 48213" in _named(browser.get("/staff/people").text)


def test_one_session_is_ended_and_no_other(site: Site) -> None:
    ada, eve = site.browser(site.ada), site.browser(site.eve)
    site.browser(site.ada)
    [first, second] = _sessions(site, site.ada)
    browser = site.browser(site.staff)

    answer = browser.post(f"/staff/people/{site.ada.id}/sessions/{first}/end")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/staff/people/{site.ada.id}")
    assert _sessions(site, site.ada) == [second]
    assert [b.get("/account").status_code for b in (ada, eve)] == [303, 200]
    [entry] = _entries(site)
    assert (entry.action, entry.subject_kind, entry.subject_id) == (
        Action.SESSION_ENDED, "session", first,
    )  # fmt: skip
    assert entry.detail == {"person": site.ada.id}


def test_a_session_is_ended_under_its_own_person_only(site: Site) -> None:
    site.browser(site.ada)
    [session_id] = _sessions(site, site.ada)

    answer = site.browser(site.staff).post(f"/staff/people/{site.eve.id}/sessions/{session_id}/end")

    assert answer.status_code == 404
    assert _sessions(site, site.ada) == [session_id]
    assert _entries(site) == []


def test_all_sessions_are_ended(site: Site) -> None:
    browsers = [site.browser(site.ada) for _ in range(3)]
    staff = site.browser(site.staff)

    for _ in range(2):
        answer = staff.post(f"/staff/people/{site.ada.id}/sessions/end-all")

    assert answer.status_code == 303
    assert [b.get("/account").status_code for b in browsers] == [303, 303, 303]
    assert staff.get("/staff").status_code == 200
    # The second time there was nothing to end.
    [entry] = _entries(site)
    assert (entry.action, entry.subject_id) == (Action.SESSIONS_ENDED, site.ada.id)
    assert entry.detail == {"sessions": 3}


def test_somebody_who_is_blocked_is_outside_at_once(site: Site) -> None:
    ada = site.browser(site.ada)
    staff = site.browser(site.staff)

    for _ in range(2):
        answer = staff.post(f"/staff/people/{site.ada.id}/block", data={"reason": "taken_over"})
    page = staff.get(f"/staff/people/{site.ada.id}").text

    assert answer.status_code == 303
    assert _person(site, site.ada).blocked_at == NOW
    assert ada.get("/account").status_code == 303
    assert _sessions(site, site.ada) == []
    assert site.browser(site.ada).get("/account").status_code == 303
    assert "This person is blocked" in page
    [entry, _look] = _entries(site)
    assert (entry.action, entry.actor_id, entry.subject_id) == (
        Action.PERSON_BLOCKED, site.staff.id, site.ada.id,
    )  # fmt: skip
    assert entry.detail == {"reason": "taken_over", "sessions": 1}


def test_the_tokens_of_somebody_who_is_blocked_stop_and_work_again_after(site: Site) -> None:
    program = site.program(site.token(site.ada, Scope.READ))
    staff = site.browser(site.staff)
    answers = [program.get("/api/v1/me").status_code]

    staff.post(f"/staff/people/{site.ada.id}/block", data={"reason": "other"})
    answers.append(program.get("/api/v1/me").status_code)
    staff.post(f"/staff/people/{site.ada.id}/unblock")
    answers.append(program.get("/api/v1/me").status_code)

    assert answers == [200, 401, 200]


def test_somebody_who_is_unblocked_logs_in_anew(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Person, site.ada.id).blocked_at = NOW - timedelta(days=3)
    staff = site.browser(site.staff)

    for _ in range(2):
        answer = staff.post(f"/staff/people/{site.ada.id}/unblock")

    assert answer.status_code == 303
    assert _person(site, site.ada).blocked_at is None
    assert site.browser(site.ada).get("/account").status_code == 200
    [entry] = _entries(site)
    assert (entry.action, entry.subject_id) == (Action.PERSON_UNBLOCKED, site.ada.id)


@pytest.mark.parametrize("reason", ["", "because I say so", "MISUSE"])
def test_a_reason_that_is_none_of_the_few_is_refused(site: Site, reason: str) -> None:
    answer = site.browser(site.staff).post(
        f"/staff/people/{site.ada.id}/block", data={"reason": reason}
    )

    assert answer.status_code == 422
    assert "Choose a reason." in answer.text
    assert _person(site, site.ada).blocked_at is None
    assert "because" not in str([entry.detail for entry in _entries(site)])


def test_staff_do_not_block_themselves(site: Site) -> None:
    browser = site.browser(site.staff)

    answer = browser.post(f"/staff/people/{site.staff.id}/block", data={"reason": "other"})

    assert answer.status_code == 422
    assert "You cannot block yourself." in answer.text
    assert _person(site, site.staff).blocked_at is None
    assert browser.get("/staff").status_code == 200
    assert "/block" not in browser.get(f"/staff/people/{site.staff.id}").text


@pytest.mark.parametrize("path", ["block", "unblock", "sessions/end-all", "sessions/SESSION/end"])
@pytest.mark.parametrize("who", ["ada", "organiser", "eve"])
def test_nobody_but_staff_does_any_of_it(site: Site, who: str, path: str) -> None:
    site.browser(site.ada)
    [session_id] = _sessions(site, site.ada)
    browser = site.browser(getattr(site, who))
    before = _sessions(site, site.ada)

    answer = browser.post(
        f"/staff/people/{site.ada.id}/{path.replace('SESSION', session_id)}",
        data={"reason": "misuse"},
    )

    assert answer.status_code == 404
    assert _sessions(site, site.ada) == before
    assert _person(site, site.ada).blocked_at is None
    assert _entries(site) == []


def test_a_token_of_staff_is_not_staff(site: Site) -> None:
    # Pages know cookies only; the header opens nothing.
    answer = site.browser().get("/staff", headers={"authorization": "Bearer sealrun_x"})

    assert answer.headers["location"] == "/login?next=%2Fstaff"


def test_only_staff_have_the_link(site: Site) -> None:
    shown = [
        '<a href="/staff"' in site.browser(person).get("/").text
        for person in (None, site.ada, site.organiser, site.staff)
    ]

    assert shown == [False, False, False, True]


def test_a_provider_makes_staff_too(site: Site) -> None:
    with site.context.database.writing() as session:
        factories.add_account(session, site.ada, "ada").grants_staff = True

    page = site.browser(site.staff).get(f"/staff/people/{site.ada.id}").text

    assert "makes staff" in page
    with site.context.database.reading() as session:
        assert session.scalars(select(Account)).one().grants_staff
