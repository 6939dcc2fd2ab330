"""Who gets into the API: a token that works, and nothing else."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db.tables import ApiToken, Person, TermsAcceptance
from portal.domain.accounts.tokens import Scope
from portal.web.context import Rates, SiteTerms
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site, SiteMaker

ME = "/api/v1/me"
TERMS = SiteTerms(version="2026-11", markdown="# Terms")


def _error(answer: object) -> tuple[int, str, str]:
    told = answer.json()["error"]  # type: ignore[attr-defined]
    assert sorted(told) == ["message", "reason", "request_id"]
    return answer.status_code, told["reason"], told["message"]  # type: ignore[attr-defined]


def test_a_token_that_works_says_whose_it_is(site: Site) -> None:
    program = site.program(site.token(site.ada, Scope.READ, Scope.SUBMIT))

    answer = program.get(ME)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "id": site.ada.id,
        "name": "Ada Vlasák",
        "scopes": ["read", "submit"],
    }


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("Bearer", id="no-token"),
        pytest.param("Bearer ", id="blank"),
        pytest.param("Basic c2VhbHJ1bl90b2tlbg==", id="basic"),
        pytest.param("sealrun_token", id="no-scheme"),
    ],
)
def test_without_a_token_it_is_asked_for(site: Site, header: str) -> None:
    answer = site.program().get(ME, headers={"authorization": header})

    assert _error(answer) == (401, "no_token", "Send a token of yours with the request.")
    assert answer.headers["www-authenticate"] == 'Bearer realm="Sealrun"'


def test_two_tokens_are_none(site: Site) -> None:
    token = site.token(site.ada, Scope.READ)
    headers = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]

    answer = site.program().get(ME, headers=headers)

    assert _error(answer)[:2] == (401, "no_token")


def test_the_scheme_is_read_in_any_case(site: Site) -> None:
    token = site.token(site.ada, Scope.READ)

    answer = site.program().get(ME, headers={"authorization": f"bearer {token}"})

    assert answer.status_code == 200


def _change(site: Site, what: str) -> None:
    with site.context.database.writing() as session:
        token = session.scalars(select(ApiToken)).one()
        person = session.get_one(Person, site.ada.id)
        if what == "expired":
            token.expires_at = NOW
        elif what == "revoked":
            token.revoked_at = NOW
        elif what == "blocked":
            person.blocked_at = NOW
        elif what == "deleted":
            person.deleted_at = NOW
        else:
            session.delete(token)


@pytest.mark.parametrize(
    ("what", "reason", "message"),
    [
        ("gone", "token_unknown", "There is no such token."),
        ("blocked", "token_unknown", "There is no such token."),
        ("deleted", "token_unknown", "There is no such token."),
        ("expired", "token_expired", "The token has expired. Make a new one on your account's page."),
        ("revoked", "token_revoked", "The token was revoked. Make a new one on your account's page."),
    ],
)  # fmt: skip
def test_a_token_that_does_not_work_is_told_why(
    site: Site, what: str, reason: str, message: str
) -> None:
    program = site.program(site.token(site.ada, Scope.READ))
    _change(site, what)

    answer = program.get(ME)

    assert _error(answer) == (401, reason, message)
    assert answer.headers["www-authenticate"] == (
        f'Bearer realm="Sealrun", error="invalid_token", error_description="{message}"'
    )


def test_a_scope_that_is_missing_is_named(site: Site) -> None:
    answer = site.program(site.token(site.ada, Scope.SUBMIT)).get("/api/v1/challenges")

    message = "The token does not have the scope that this needs: read."
    assert _error(answer) == (403, "insufficient_scope", message)
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="Sealrun", error="insufficient_scope", scope="read", '
        f'error_description="{message}"'
    )


def test_the_sites_terms_have_to_be_accepted_first(new_site: SiteMaker) -> None:
    site = new_site(terms=TERMS)
    program = site.program(site.token(site.ada, Scope.READ))

    before = program.get(ME)
    with site.context.database.writing() as session:
        session.add(TermsAcceptance(person_id=site.ada.id, version=TERMS.version, accepted_at=NOW))
    after = program.get(ME)

    message = "Accept the terms of this site first, in a browser: http://127.0.0.1:8000/welcome"
    assert _error(before) == (403, "terms", message)
    assert after.status_code == 200


def test_a_cookie_opens_nothing_of_the_api_and_is_not_looked_up(site: Site) -> None:
    browser = site.browser(site.staff)

    with site.counted_queries() as statements:
        answer = browser.get(ME)

    assert _error(answer)[:2] == (401, "no_token")
    assert statements == []
    assert "set-cookie" not in answer.headers


def test_a_cookie_beside_a_token_changes_nothing(site: Site) -> None:
    browser = site.browser(site.staff)
    token = site.token(site.ada, Scope.READ)

    answer = browser.get(ME, headers={"authorization": f"Bearer {token}"})

    assert answer.json()["id"] == site.ada.id


@pytest.mark.parametrize(
    "path", ["/account", "/challenges/digits/submissions", "/staff", "/challenges/digits/submit"]
)
def test_a_token_opens_no_page(site: Site, path: str) -> None:
    program = site.program(site.token(site.staff, *Scope))

    answer = program.get(path)

    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login")


def test_a_token_makes_nobody_staff(site: Site) -> None:
    token = site.token(site.staff, *Scope)

    answer = site.program(token).get(f"/api/v1/submissions/{site.submission_id}")

    assert _error(answer)[:2] == (404, "not_found")


def test_a_request_that_another_site_made_is_refused_before_anything(site: Site) -> None:
    browser = site.browser(site.ada)

    with site.counted_queries() as statements:
        answer = browser.post(
            "/api/v1/challenges/digits/submissions", headers={"sec-fetch-site": "cross-site"}
        )

    assert _error(answer)[:2] == (403, "foreign")
    assert statements == []


def test_no_other_site_may_read_answers(site: Site) -> None:
    program = site.program(site.token(site.ada, Scope.READ))

    asked = program.options(ME, headers={"origin": "https://evil.example"})
    read = program.get(ME, headers={"origin": "https://evil.example"})

    assert asked.status_code == 405
    allowed = [h for a in (asked, read) for h in a.headers if h.startswith("access-control")]
    assert allowed == []


def test_tokens_that_fail_too_often_have_to_wait_and_those_that_work_do_not(
    new_site: SiteMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site(rates=Rates(token="2/minute"))
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began)
    wrong, right = site.program("sealrun_wrong"), site.program(site.token(site.ada, Scope.READ))
    failed = [wrong.get(ME).status_code for _ in range(2)]

    refused = wrong.get(ME)
    works = [right.get(ME).status_code for _ in range(5)]
    monkeypatch.setattr(time, "time", lambda: began + 61)
    later = wrong.get(ME).status_code

    assert failed == [401, 401]
    assert _error(refused)[:2] == (429, "too_often")
    assert refused.headers["retry-after"] in {"60", "61"}
    assert works == [200] * 5
    assert later == 401


def test_no_token_at_all_is_not_counted(new_site: SiteMaker) -> None:
    site = new_site(rates=Rates(token="1/minute"))
    program = site.program()

    assert [program.get(ME).status_code for _ in range(4)] == [401] * 4


def test_a_use_is_noted_now_and_then_and_otherwise_only_read(site: Site) -> None:
    program = site.program(site.token(site.ada, Scope.READ, lasts=timedelta(days=2)))

    with site.counted_queries() as first:
        program.get(ME)
    with site.counted_queries() as second:
        program.get(ME)

    with site.context.database.reading() as session:
        assert session.scalars(select(ApiToken.last_used_at)).one() == NOW
    assert [s.split()[0] for s in first] == ["BEGIN", "SELECT", "BEGIN", "SELECT", "UPDATE"]
    assert [s.split()[0] for s in second] == ["BEGIN", "SELECT"]


def test_the_token_is_not_in_the_log(
    site: Site, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    token = site.token(site.ada, Scope.READ)

    site.program(token).get(f"{ME}?x=1")
    site.program("sealrun_not-a-token").get(ME)

    written = "".join(capsys.readouterr()) + caplog.text
    assert "/api/v1/me" in written
    assert token not in written
    assert "sealrun_not-a-token" not in written


def test_a_token_lasts_until_its_last_moment(new_site: SiteMaker) -> None:
    site = new_site()
    token = site.token(site.ada, Scope.READ, lasts=DAY)
    with site.context.database.writing() as session:
        session.scalars(select(ApiToken)).one().expires_at = NOW + timedelta(microseconds=1)

    assert site.program(token).get(ME).status_code == 200
