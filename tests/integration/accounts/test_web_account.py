"""The account page: names, browsers, tokens, terms."""

import re

import pytest
from sqlalchemy import select

from portal.db.tables import ApiToken, AuditEntry, Person, Team, TermsAcceptance
from portal.domain.accounts.people import ShownAs
from portal.domain.accounts.tokens import PREFIX, digest
from portal.domain.audit import Action
from portal.web.context import SiteTerms
from tests.support.web.site import Site, SiteMaker

NAMES = {"display_name": "Ada V.", "pseudonym": "Silent Otter", "shown_as": "pseudonym"}


def entries(site: Site, action: Action) -> list[AuditEntry]:
    with site.context.database.reading() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


def person(site: Site, who: Person) -> Person:
    with site.context.database.reading() as session:
        return session.get_one(Person, who.id)


# --- names


def test_names_are_cleaned_kept_and_written_down_without_the_name(site: Site) -> None:
    browser = site.browser(site.ada)

    answer = browser.post("/account/names", data={**NAMES, "display_name": "  Ada\u202e  V. "})

    assert answer.headers["location"] == "/account"
    row = person(site, site.ada)
    assert (row.display_name, row.pseudonym) == ("Ada V.", "Silent Otter")
    assert row.shown_as is ShownAs.PSEUDONYM
    [entry] = entries(site, Action.NAMES_CHANGED)
    assert (entry.actor_id, entry.detail) == (site.ada.id, {})
    assert "Ada V." in browser.get("/").text


def test_a_team_named_after_somebody_takes_the_pseudonym_on_the_leaderboard(site: Site) -> None:
    with site.context.database.writing() as session:
        team = session.scalars(select(Team).where(Team.name == "Team Ada")).one()
        team.name, team.named_after = site.ada.name, site.ada.id
    before = site.browser().get("/challenges/digits/leaderboard").text

    site.browser(site.ada).post("/account/names", data=NAMES)

    after = site.browser().get("/challenges/digits/leaderboard").text
    assert ("Ada Vlasák" in before, "Ada Vlasák" in after) == (True, False)
    assert "Silent Otter" in after


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("pseudonym", " \u200b ", "Choose a pseudonym."),
        ("shown_as", "nobody", "Choose what leaderboards call you."),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_what_was_written_stays(
    site: Site, field: str, value: str, says: str
) -> None:
    answer = site.browser(site.ada).post("/account/names", data={**NAMES, field: value})

    assert answer.status_code == 422
    assert says in answer.text
    assert 'value="Ada V."' in answer.text
    assert person(site, site.ada).display_name == ""


# --- browsers


def test_browsers_are_listed_in_words_and_the_own_one_is_marked(site: Site) -> None:
    browser = site.browser(site.ada)
    site.browser(site.ada)

    page = browser.get("/account").text

    assert page.count("127.0.0.1") == 2
    assert page.count("this one") == 1


def test_a_browser_that_was_logged_out_from_another_opens_nothing(site: Site) -> None:
    here, there = site.browser(site.ada), site.browser(site.ada)
    [address] = re.findall(r'action="(/account/sessions/\w+/end)"', here.get("/account").text)

    answer = here.post(address)

    assert answer.status_code == 303
    assert there.get("/account").headers["location"].startswith("/login")
    assert here.get("/account").status_code == 200
    [entry] = entries(site, Action.SESSION_ENDED)
    assert entry.actor_id == site.ada.id


def test_all_others_are_logged_out_at_once(site: Site) -> None:
    here, others = site.browser(site.ada), [site.browser(site.ada) for _ in range(3)]
    stranger = site.browser(site.eve)

    here.post("/account/sessions/end-others")

    assert [one.get("/account").status_code for one in others] == [303] * 3
    assert (here.get("/account").status_code, stranger.get("/account").status_code) == (200, 200)
    assert [entry.detail for entry in entries(site, Action.SESSIONS_ENDED)] == [{"sessions": 3}]


def test_nobody_ends_the_session_of_somebody_else(site: Site) -> None:
    ada, eve = site.browser(site.ada), site.browser(site.eve)
    site.browser(site.ada)
    [address] = re.findall(r'action="(/account/sessions/\w+/end)"', ada.get("/account").text)

    assert eve.post(address).status_code == 404
    assert entries(site, Action.SESSION_ENDED) == []


# --- tokens


def make_token(site: Site, **fields: str) -> str:
    data = {"name": "laptop", "scope_read": "yes", "days": "30", **fields}
    page = site.browser(site.ada).post("/account/tokens", data=data)
    assert page.headers["cache-control"] == "no-store"
    [secret] = re.findall(rf'id="secret">({PREFIX}[\w-]{{43}})<', page.text)
    return secret


def test_a_token_is_shown_once_and_only_its_digest_is_kept(site: Site) -> None:
    secret = make_token(site, scope_submit="yes")

    page = site.browser(site.ada).get("/account/tokens").text

    assert secret not in page
    assert "laptop" in page
    assert "read, submit" in page
    with site.context.database.reading() as session:
        row = session.scalars(select(ApiToken)).one()
    assert (row.secret_sha256, row.scopes) == (digest(secret), ["read", "submit"])
    assert (row.expires_at - row.created_at).days == 30
    [entry] = entries(site, Action.TOKEN_MADE)
    assert entry.detail == {"scopes": ["read", "submit"]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "  "}, "Say what the token is for."),
        ({"scope_read": None}, "Choose what the token may do."),
        ({"days": "99999"}, "Choose how long the token lasts."),
    ],
)
def test_a_token_that_cannot_be_is_refused(site: Site, change: dict, says: str) -> None:
    data = {"name": "laptop", "scope_read": "yes", "days": "30", **change}
    data = {key: value for key, value in data.items() if value is not None}

    answer = site.browser(site.ada).post("/account/tokens", data=data)

    assert answer.status_code == 422
    assert says in answer.text
    assert entries(site, Action.TOKEN_MADE) == []


def test_a_token_is_revoked_by_its_owner_only(site: Site) -> None:
    make_token(site)
    with site.context.database.reading() as session:
        token = session.scalars(select(ApiToken)).one().id

    by_eve = site.browser(site.eve).post(f"/account/tokens/{token}/revoke").status_code
    by_ada = site.browser(site.ada).post(f"/account/tokens/{token}/revoke").status_code

    assert (by_eve, by_ada) == (404, 303)
    assert "Revoked" in site.browser(site.ada).get("/account/tokens").text
    assert len(entries(site, Action.TOKEN_REVOKED)) == 1


def test_a_token_is_in_no_log(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    secret = make_token(site)
    site.program(secret).get("/api/v1/me")

    written = "".join(capfd.readouterr())

    assert "path=/account/tokens" in written
    assert secret.removeprefix(PREFIX) not in written


def test_the_list_says_of_each_token_whether_it_works(site: Site) -> None:
    for _ in range(3):
        make_token(site)
    with site.context.database.writing() as session:
        expired, revoked, _ = session.scalars(select(ApiToken).order_by(ApiToken.id))
        expired.expires_at = revoked.revoked_at = site.context.clock()

    page = site.browser(site.ada).get("/account/tokens").text

    states = re.findall(r'class="status".*?</svg>\s*<span>(\w+)</span>', page, re.DOTALL)
    assert states == ["Works", "Revoked", "Expired"]
    assert page.count("/revoke") == 1


# --- terms

TERMS = SiteTerms(version="2026-11", markdown="# Terms\n\nBe kind to the nodes.")


def test_whoever_is_new_reads_the_terms_before_anything_else(new_site: SiteMaker) -> None:
    site = new_site(terms=TERMS)
    browser = site.browser(site.ada)

    sent = browser.get("/challenges/digits/submissions?page=1")
    refused = browser.post("/account/names", data=NAMES)

    assert sent.headers["location"] == (
        "/welcome?next=%2Fchallenges%2Fdigits%2Fsubmissions%3Fpage%3D1"
    )
    assert refused.headers["location"] == "/welcome?next=%2F"
    assert person(site, site.ada).display_name == ""


def test_accepting_them_leads_to_where_one_wanted_to_go(new_site: SiteMaker) -> None:
    site = new_site(terms=TERMS)
    browser = site.browser(site.ada)
    page = browser.get("/welcome?next=/account").text

    answer = browser.post("/welcome", data={**NAMES, "accept": TERMS.version, "next": "/account"})

    assert "Be kind to the nodes." in page
    assert answer.headers["location"] == "/account"
    assert browser.get("/account").status_code == 200
    assert person(site, site.ada).pseudonym == "Silent Otter"
    [entry] = entries(site, Action.TERMS_ACCEPTED)
    assert entry.detail == {"version": "2026-11"}
    with site.context.database.reading() as session:
        assert session.scalars(select(TermsAcceptance.version)).all() == ["2026-11"]


@pytest.mark.parametrize("accept", ["", "2025-01"])
def test_nothing_is_accepted_without_the_tick_for_this_version(
    new_site: SiteMaker, accept: str
) -> None:
    site = new_site(terms=TERMS)

    answer = site.browser(site.ada).post("/welcome", data={**NAMES, "accept": accept})

    assert answer.status_code == 422
    assert "Tick that you accept the terms" in answer.text
    assert 'value="Silent Otter"' in answer.text
    assert entries(site, Action.TERMS_ACCEPTED) == []


def test_another_pseudonym_is_suggested_and_the_rest_of_the_form_stays(
    new_site: SiteMaker,
) -> None:
    site = new_site(terms=TERMS)

    answer = site.browser(site.ada).post("/welcome", data={**NAMES, "suggest": "yes"})

    assert answer.status_code == 200
    assert 'value="Ada V."' in answer.text
    assert "Silent Otter" not in answer.text


def test_a_new_version_is_asked_for_again_without_the_names(new_site: SiteMaker) -> None:
    site = new_site(terms=TERMS)
    with site.context.database.writing() as session:
        session.add(
            TermsAcceptance(
                person_id=site.ada.id, version="2025-01", accepted_at=site.context.clock()
            )
        )

    page = site.browser(site.ada).get("/welcome").text

    assert "The terms have changed" in page
    assert "Pseudonym" not in page
    assert site.browser(site.ada).post("/welcome", data={"accept": "2026-11"}).status_code == 303


def test_a_site_without_terms_asks_nothing(site: Site) -> None:
    assert site.browser(site.newcomer).get("/account").status_code == 200
    assert site.browser().get("/terms").status_code == 404
