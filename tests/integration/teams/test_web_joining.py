"""Joining a challenge through its pages, by each policy."""

import re
from html import unescape
from urllib.parse import parse_qs

import pytest

from portal.db.tables import Challenge
from portal.domain.accounts.gates import Gate
from tests.support.web.site import Site

ROOT = "/challenges/digits"


def _change(site: Site, **values: object) -> None:
    with site.context.database.writing() as session:
        challenge = session.get_one(Challenge, site.digits.challenge.id)
        for name, value in values.items():
            setattr(challenge, name, value)


def test_an_open_challenge_asks_for_its_terms_and_leads_on(site: Site) -> None:
    browser = site.browser(site.newcomer)

    page = browser.get(f"{ROOT}/join?next={ROOT}/submit")
    refused = browser.post(f"{ROOT}/join", data={"next": f"{ROOT}/submit"})
    joined = browser.post(f"{ROOT}/join", data={"accept": "yes", "next": f"{ROOT}/submit"})

    assert "Everybody who is logged in can take part." in page.text
    assert f'value="{ROOT}/submit"' in page.text
    assert refused.status_code == 422
    assert "Tick that you accept the terms to take part." in refused.text
    assert (joined.status_code, joined.headers["location"]) == (303, f"{ROOT}/submit")
    assert "You take part." in browser.get(f"{ROOT}/join").text


@pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example", "\\\\evil"])
def test_joining_leads_to_no_other_site(site: Site, next_page: str) -> None:
    answer = site.browser(site.newcomer).post(
        f"{ROOT}/join", data={"accept": "yes", "next": next_page}
    )

    assert answer.headers["location"] == f"{ROOT}/team"


def test_whoever_has_to_join_is_sent_from_the_form_to_the_page_for_joining(site: Site) -> None:
    _change(site, join_policy="approve")

    answer = site.browser(site.newcomer).get(f"{ROOT}/submit")

    assert answer.status_code == 303
    assert answer.headers["location"] == f"{ROOT}/join?next=%2Fchallenges%2Fdigits%2Fsubmit"


def test_a_request_goes_to_the_organisers_and_its_state_is_shown(site: Site) -> None:
    _change(site, join_policy="approve")
    browser, organiser = site.browser(site.newcomer), site.browser(site.organiser)
    overview = browser.get(ROOT).text

    browser.post(f"{ROOT}/join", data={"accept": "yes", "note": "Group 3 <b>of Oda</b>"})
    waiting = browser.get(ROOT).text
    requests = organiser.get(f"{ROOT}/participants").text
    decided = organiser.post(f"{ROOT}/participants/{site.newcomer.id}/admit")

    assert f'href="{ROOT}/join">Join</a>' in overview
    assert "Waiting for the organisers" in waiting
    assert "Group 3 &lt;b&gt;of Oda&lt;/b&gt;" in requests
    assert decided.headers["location"] == f"{ROOT}/participants"
    assert browser.get(f"{ROOT}/submit").status_code == 200


def test_whoever_was_declined_reads_so_and_can_be_let_in_later(site: Site) -> None:
    _change(site, join_policy="approve")
    browser, organiser = site.browser(site.newcomer), site.browser(site.organiser)
    browser.post(f"{ROOT}/join", data={"accept": "yes"})

    organiser.post(f"{ROOT}/participants/{site.newcomer.id}/decline")
    declined = browser.get(f"{ROOT}/join").text
    organiser.post(f"{ROOT}/participants/{site.newcomer.id}/admit")

    assert "The organisers have declined your request." in declined
    assert "You take part." in browser.get(f"{ROOT}/join").text


def test_a_gate_says_its_title_and_whom_to_ask_and_no_claim(site: Site) -> None:
    gate = Gate(
        title="Members of Nordholm", claims={"affiliation": ("member@nordholm.example",)},
        ask="data-day@nordholm.example",
    )  # fmt: skip
    _change(site, join_policy="claims", join_gate=gate.as_json())

    answer = site.browser(site.newcomer).post(f"{ROOT}/join", data={"accept": "yes"})

    assert answer.status_code == 403
    assert (
        "This challenge asks for: Members of Nordholm. Ask data-day@nordholm.example about it."
        in (answer.text)
    )
    assert "member@nordholm.example" not in answer.text
    assert "second factor" not in answer.text


def test_who_lacks_a_second_factor_only_is_led_to_a_login_with_one(site: Site) -> None:
    gate = Gate(title="Two factors", claims={"acr": ("https://refeds.org/profile/mfa",)})
    _change(site, join_policy="claims", join_gate=gate.as_json())

    answer = site.browser(site.newcomer).post(
        f"{ROOT}/join", data={"accept": "yes", "next": "/invitation?code=abc"}
    )

    assert answer.status_code == 403
    assert "Log in again with it, and come back here" in answer.text
    [login] = re.findall(r'href="/login/campus\?([^"]+)"', answer.text)
    asked = parse_qs(unescape(login))
    assert asked["for"] == ["digits"]
    assert asked["next"] == [f"{ROOT}/join?next=%2Finvitation%3Fcode%3Dabc"]


def test_changed_terms_are_accepted_before_a_file_is_sent(site: Site) -> None:
    _change(site, join_policy="claims", join_gate={})
    browser = site.browser(site.newcomer)
    browser.post(f"{ROOT}/join", data={"accept": "yes"})
    before = browser.get(f"{ROOT}/submit")
    _change(site, terms="The data is deleted when the challenge ends.")

    form = browser.get(f"{ROOT}/submit")
    page = browser.get(form.headers["location"])
    browser.post(f"{ROOT}/join", data={"accept": "yes"})

    assert before.status_code == 200
    assert form.status_code == 303
    assert "The terms have changed since you accepted them." in page.text
    assert "The data is deleted when the challenge ends." in page.text
    assert browser.get(f"{ROOT}/submit").status_code == 200


def test_terms_that_are_gone_ask_for_nothing(site: Site) -> None:
    _change(site, join_policy="claims", join_gate={})
    browser = site.browser(site.newcomer)
    browser.post(f"{ROOT}/join", data={"accept": "yes"})

    _change(site, terms="")

    assert browser.get(f"{ROOT}/submit").status_code == 200
