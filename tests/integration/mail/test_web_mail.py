"""People choose which mails they get: on their page, and by the link in every mail."""

from typing import Any

import pytest
from sqlalchemy import select

from portal.db.tables import Account, AuditEntry, Mail, MailChoice, Participation
from portal.domain.accounts.tokens import Scope
from portal.domain.audit import Action
from portal.domain.mail.kinds import MailKind, MailTopic
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.mail import choices
from tests.support import factories
from tests.support.factories import NOW
from tests.support.web.site import Site

PAGE = "/account/mail"
NEWS = "/challenges/digits/news"
EVERY = frozenset(MailTopic)
FORM = {"title": "More data", "text": "So.", "do": "publish"}


@pytest.fixture
def mailing(site: Site) -> Site:
    site.change(sends_mail=True)
    with site.context.database.writing() as session:
        account = factories.add_account(session, site.ada, "ada")
        account.claims = {"email": "ada@nordholm.example", "email_verified": True}
    return site


def _wanted(site: Site) -> frozenset[MailTopic]:
    with site.context.database.reading() as session:
        return choices.wanted(session.get(MailChoice, site.ada.id))


def _token(site: Site) -> str:
    with site.context.database.writing() as session:
        return choices.choice_of(session, site.ada.id, now=NOW).token


def _link(site: Site, topic: str = "announcements") -> str:
    return f"/mail/unsubscribe?token={_token(site)}&topic={topic}"


def _noted(site: Site) -> list[AuditEntry]:
    with site.context.database.reading() as session:
        found = select(AuditEntry).where(AuditEntry.action == Action.MAIL_CHOSEN)
        return list(session.scalars(found))


def _queued(site: Site) -> list[Mail]:
    with site.context.database.reading() as session:
        return list(session.scalars(select(Mail).order_by(Mail.id)))


def test_the_page_shows_where_mails_go_and_what_is_sent(mailing: Site) -> None:
    browser = mailing.browser(mailing.ada)

    account = browser.get("/account").text
    page = browser.get(PAGE).text

    assert f'href="{PAGE}"' in account
    assert "ada@nordholm.example" in page
    assert page.count(" checked") == len(EVERY)


def test_a_site_that_sends_none_says_so(site: Site) -> None:
    browser = site.browser(site.ada)

    assert f'href="{PAGE}"' not in browser.get("/account").text
    assert "sends no mails at the moment" in browser.get(PAGE).text


def test_whoever_has_no_verified_address_reads_that(mailing: Site) -> None:
    with mailing.context.database.writing() as session:
        account = session.scalars(select(Account).where(Account.person_id == mailing.ada.id)).one()
        account.claims = {"email": "ada@nordholm.example", "email_verified": False}

    page = mailing.browser(mailing.ada).get(PAGE).text

    assert "no address that it has verified" in page
    assert "ada@nordholm.example" not in page


def test_somebody_chooses_and_chooses_again(mailing: Site) -> None:
    browser = mailing.browser(mailing.ada)

    answers = [browser.post(PAGE, data={"join_decisions": "yes"}) for _ in range(2)]
    one = _wanted(mailing)
    saved = browser.get(answers[0].headers["location"]).text
    browser.post(PAGE, data=dict.fromkeys(MailTopic, "yes"))

    assert [answer.status_code for answer in answers] == [303, 303]
    assert one == {MailTopic.JOIN_DECISIONS}
    assert saved.count(" checked") == 1
    assert "Saved" in saved
    assert _wanted(mailing) == EVERY
    assert [entry.detail for entry in _noted(mailing)] == [
        {"refused": sorted(EVERY - {MailTopic.JOIN_DECISIONS})},
        {"refused": []},
    ]


def test_a_link_alone_ends_nothing(mailing: Site) -> None:
    link = _link(mailing)

    page = mailing.browser().get(link)

    assert page.status_code == 200
    assert "Stop these mails" in page.text
    assert _wanted(mailing) == EVERY


def test_a_program_ends_mails_by_one_click_without_a_login(mailing: Site) -> None:
    """As RFC 8058 has it: without a cookie, and without what browsers say of where they come from."""
    link = _link(mailing)
    program = mailing.program()

    answers = [
        program.post(link, data={"List-Unsubscribe": "One-Click"}).status_code for _ in range(2)
    ]

    assert answers == [200, 200]
    assert _wanted(mailing) == EVERY - {MailTopic.ANNOUNCEMENTS}
    [entry] = _noted(mailing)
    assert (entry.actor_id, entry.subject_id) == (None, mailing.ada.id)
    assert "no mails of this kind" in mailing.browser().get(link).text


def test_the_button_does_the_same_whoever_is_logged_in(mailing: Site) -> None:
    link = _link(mailing, "join_decisions")

    answer = mailing.browser(mailing.eve).post(link)

    assert answer.status_code == 200
    assert "Decisions about taking part" in answer.text
    assert _wanted(mailing) == EVERY - {MailTopic.JOIN_DECISIONS}


def test_another_site_cannot_let_a_browser_do_it(mailing: Site) -> None:
    browser = mailing.browser()

    answer = browser.post(_link(mailing), headers={"sec-fetch-site": "cross-site"})

    assert (answer.status_code, _wanted(mailing)) == (403, EVERY)


@pytest.mark.parametrize(
    "query",
    [
        "", "?token=&topic=announcements", "?token=x&topic=announcements",
        "?topic=announcements", "?token={}&topic=nothing", "?token={}", "?token={}%00&topic=x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_there_is_not_is_not_found(mailing: Site, query: str, method: str) -> None:
    address = "/mail/unsubscribe" + query.format(_token(mailing))

    assert mailing.browser().request(method, address).status_code == 404
    assert _wanted(mailing) == EVERY


def test_a_token_of_a_link_opens_nothing_else(mailing: Site) -> None:
    token = _token(mailing)

    answer = mailing.program(token).get("/api/v1/me")
    export = mailing.browser(mailing.ada).get("/account/export")

    assert answer.status_code == 401
    assert token not in export.text
    assert len(export.json()["mail_choices"]) == 1


@pytest.mark.parametrize("sends", [True, False])
@pytest.mark.parametrize("by", ["page", "program"])
def test_an_announcement_is_queued_where_the_site_sends_mail(
    mailing: Site, by: str, sends: bool
) -> None:
    mailing.change(sends_mail=sends)
    if by == "page":
        browser = mailing.browser(mailing.organiser)
        form = browser.get(f"{NEWS}/write").text
        assert ("gets it by mail" in form) is sends
        browser.post(NEWS, data=FORM | {"do": "preview"})
        assert _queued(mailing) == []
        browser.post(NEWS, data=FORM)
    else:
        program = mailing.program(mailing.token(mailing.organiser, Scope.ORGANISE))
        program.post(
            "/api/v1/challenges/digits/announcements", json={"title": "More data", "text": "So."}
        )

    people = {mailing.ada.id, mailing.eve.id} if sends else set()
    assert {mail.person_id for mail in _queued(mailing)} == people
    assert {mail.kind for mail in _queued(mailing)} <= {MailKind.ANNOUNCEMENT}


@pytest.mark.parametrize("by", ["page", "program"])
def test_a_decision_is_queued_for_whom_it_is_about(mailing: Site, by: str) -> None:
    with mailing.context.database.writing() as session:
        session.add(
            Participation(
                challenge_id=mailing.digits.challenge.id, person_id=mailing.newcomer.id,
                state=ParticipationState.ASKED, asked_at=NOW,
            )
        )  # fmt: skip
    path = f"/challenges/digits/participants/{mailing.newcomer.id}/decline"
    client: Any
    if by == "page":
        client = mailing.browser(mailing.organiser)
    else:
        client = mailing.program(mailing.token(mailing.organiser, Scope.ORGANISE))
        path = f"/api/v1{path}"

    client.post(path)
    client.post(path)

    [mail] = _queued(mailing)
    assert (mail.person_id, mail.kind) == (mailing.newcomer.id, MailKind.JOIN_DECLINED)


def test_announcing_takes_as_many_statements_however_many_take_part(mailing: Site) -> None:
    counts = []
    for title, more in (("One", 0), ("Two", 40)):
        with mailing.context.database.writing() as session:
            for number in range(more):
                person = factories.add_person(session, f"P{number}")
                factories.add_team(session, mailing.digits, f"T{number}", person)
        browser = mailing.browser(mailing.organiser)
        browser.get(NEWS)
        with mailing.counted_queries() as statements:
            browser.post(NEWS, data=FORM | {"title": title})
        counts.append(len(statements))

    assert counts[0] == counts[1]
    assert len(_queued(mailing)) == 2 + 42
