"""Organisers announce something: everybody who sees the challenge reads it, and nobody else."""

import pytest
from sqlalchemy import select

from portal.db.tables import Announcement, AuditEntry, Challenge, Person
from portal.domain.accounts.people import ShownAs
from portal.domain.accounts.tokens import Scope
from portal.domain.audit import Action
from portal.domain.challenges.announcements import MAX_A_DAY, PAGE_SIZE
from portal.domain.challenges.life import ChallengeState
from portal.domain.permissions import Role
from tests.support import factories
from tests.support.factories import DAY, MINUTE, NOW
from tests.support.web.site import Site

ROOT = "/challenges/digits"
NEWS = f"{ROOT}/news"
API = f"/api/v1{ROOT}/announcements"
FORM = {"title": "More data", "text": "It has *300* more.", "do": "publish"}
ACTIONS = {
    Action.ANNOUNCED,
    Action.ANNOUNCEMENT_CORRECTED,
    Action.ANNOUNCEMENT_WITHDRAWN,
    Action.ANNOUNCEMENT_RESTORED,
}


def _rows(site: Site) -> list[Announcement]:
    with site.context.database.reading() as session:
        return list(session.scalars(select(Announcement).order_by(Announcement.id)))


def _noted(site: Site) -> list[tuple[Action, str]]:
    with site.context.database.reading() as session:
        found = select(AuditEntry).where(AuditEntry.action.in_(ACTIONS))
        return [
            (entry.action, entry.subject_id)
            for entry in session.scalars(found.order_by(AuditEntry.number))
        ]


def _add(site: Site, **values: object) -> Announcement:
    with site.context.database.writing() as session:
        return factories.add_announcement(session, site.digits, site.organiser, **values)  # type: ignore[arg-type]


def _set(site: Site, state: ChallengeState) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).state = state


def _role(site: Site, person: Person, role: Role) -> None:
    with site.context.database.writing() as session:
        factories.add_organiser(session, site.digits, person, role)


def test_what_an_organiser_announces_everybody_reads(site: Site) -> None:
    browser = site.browser(site.organiser)

    before = site.browser().get(ROOT).text
    answer = browser.post(NEWS, data=FORM)
    page = site.browser().get(NEWS).text
    [row] = _rows(site)
    one = site.browser().get(f"{NEWS}/{row.id}").text

    assert f'href="{NEWS}"' not in before
    assert (answer.status_code, answer.headers["location"]) == (303, NEWS)
    for text in (page, one):
        assert "More data" in text
        assert "It has <em>300</em> more." in text
        assert "Oda Organiser" in text
        assert "corrected" not in text
    assert f'href="{NEWS}"' in site.browser().get(ROOT).text
    assert _noted(site) == [(Action.ANNOUNCED, row.id)]


def test_the_newest_comes_first_in_pages_that_take_as_many_queries(site: Site) -> None:
    browser = site.browser()
    _add(site, title="Number 0", at=NOW - 2 * DAY)
    browser.get(NEWS)
    with site.counted_queries() as alone:
        browser.get(NEWS)
    for number in range(1, PAGE_SIZE + 1):
        _add(site, title=f"Number {number}", at=NOW - 2 * DAY + number * MINUTE)

    with site.counted_queries() as many:
        first = browser.get(NEWS).text
    last = browser.get(f"{NEWS}?page=2").text

    assert len(alone) == len(many)
    places = [first.index(f">Number {number}<") for number in range(PAGE_SIZE, 0, -1)]
    assert places == sorted(places)
    assert (">Number 0<" in first, ">Number 0<" in last) == (False, True)
    assert browser.get(f"{NEWS}?page=3").status_code == 404


def test_sending_the_form_again_announces_nothing_again(site: Site) -> None:
    browser = site.browser(site.organiser)

    answers = [browser.post(NEWS, data=FORM).status_code for _ in range(2)]

    assert answers == [303, 303]
    assert (len(_rows(site)), len(_noted(site))) == (1, 1)


def test_a_preview_shows_it_and_announces_nothing(site: Site) -> None:
    answer = site.browser(site.organiser).post(NEWS, data=FORM | {"do": "preview"})

    assert answer.status_code == 200
    assert "It has <em>300</em> more." in answer.text
    assert ">It has *300* more.</textarea>" in answer.text
    assert _rows(site) == []


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"title": " "}, "Write a title."),
        ({"title": "x" * 121}, "A title has at most 120 characters."),
        ({"title": "a\u202eb"}, "The title has characters that cannot be shown."),
        ({"text": "\n"}, "Write a text."),
        ({"text": "é" * 8193}, "A text has at most 16 KiB"),
        ({"text": "a\x0bb"}, "The text has characters that cannot be shown."),
        ({"text": "[" * 2001}, "The text cannot be shown: it has more than 2000 links."),
    ],
)
@pytest.mark.parametrize("do", ["preview", "publish"])
def test_what_is_wrong_stands_at_its_field(
    site: Site, form: dict[str, str], words: str, do: str
) -> None:
    answer = site.browser(site.organiser).post(NEWS, data=FORM | form | {"do": do})

    assert answer.status_code == 422
    [field] = form
    assert f'id="error-{field}"' in answer.text
    assert words in answer.text
    assert _rows(site) == []


def test_a_challenge_announces_so_many_things_in_a_day(site: Site) -> None:
    for number in range(MAX_A_DAY):
        _add(site, title=f"Number {number}", at=NOW - number * MINUTE)

    refused = site.browser(site.organiser).post(NEWS, data=FORM)
    _add(site, title="old", at=NOW - 2 * DAY)

    assert refused.status_code == 429
    assert "at most 20 announcements in 24 hours" in refused.text
    assert len(_rows(site)) == MAX_A_DAY + 1


def test_a_correction_says_that_it_is_one_and_keeps_no_words(site: Site) -> None:
    row = _add(site, title="A secret", text="the secret word")
    browser = site.browser(site.organiser)
    address = f"{NEWS}/{row.id}/correct"

    form = browser.get(address).text
    same = browser.post(
        address, data={"title": "A secret", "text": "the secret word", "do": "publish"}
    )
    assert _noted(site) == []
    changed = browser.post(address, data=FORM)
    page = site.browser().get(NEWS).text

    assert ">the secret word</textarea>" in form
    assert (same.status_code, changed.status_code) == (303, 303)
    assert "corrected" in page
    assert "secret" not in page
    assert _noted(site) == [(Action.ANNOUNCEMENT_CORRECTED, row.id)]


def test_what_is_taken_down_only_organisers_see_and_put_back(site: Site) -> None:
    row = _add(site, title="A mistake")
    browser, others = site.browser(site.organiser), site.browser(site.ada)

    down = [browser.post(f"{NEWS}/{row.id}/take-down").status_code for _ in range(2)]
    seen = browser.get(NEWS).text
    hidden = [others.get(path) for path in (NEWS, f"{NEWS}/{row.id}", f"{NEWS}.atom", ROOT)]
    back = [browser.post(f"{NEWS}/{row.id}/put-back").status_code for _ in range(2)]

    assert (down, back) == ([303, 303], [303, 303])
    assert "A mistake" in seen
    assert "taken down" in seen
    assert [answer.status_code for answer in hidden] == [200, 404, 200, 200]
    assert all("A mistake" not in answer.text for answer in hidden)
    assert f'href="{NEWS}"' not in hidden[-1].text
    assert "A mistake" in others.get(NEWS).text
    assert _noted(site) == [
        (Action.ANNOUNCEMENT_WITHDRAWN, row.id),
        (Action.ANNOUNCEMENT_RESTORED, row.id),
    ]


def test_nothing_of_a_draft_is_read_by_others(site: Site) -> None:
    row = _add(site, title="Not yet")
    _set(site, ChallengeState.DRAFT)
    paths = [NEWS, f"{NEWS}/{row.id}", f"{NEWS}.atom"]

    visitor = [site.browser().get(path).status_code for path in paths]
    member = [site.browser(site.ada).get(path).status_code for path in paths]
    organiser = [site.browser(site.organiser).get(path) for path in paths]

    assert visitor == member == [404, 404, 404]
    assert [answer.status_code for answer in organiser] == [200, 200, 404]
    assert ".atom" not in organiser[0].text


@pytest.mark.parametrize(
    ("role", "status"), [(None, 404), (Role.REVIEWER, 403), (Role.ORGANISER, 303)]
)
def test_who_may_announce_and_change_it(site: Site, role: Role | None, status: int) -> None:
    row = _add(site)
    if role is not None:
        _role(site, site.newcomer, role)
    browser = site.browser(site.newcomer)

    answers = [
        browser.post(NEWS, data=FORM),
        browser.post(f"{NEWS}/{row.id}/correct", data=FORM),
        browser.post(f"{NEWS}/{row.id}/take-down"),
        browser.post(f"{NEWS}/{row.id}/put-back"),
    ]

    assert [answer.status_code for answer in answers] == [status] * 4
    assert (len(_noted(site)) == 0) is (status != 303)


def test_an_announcement_of_another_challenge_is_not_found(site: Site) -> None:
    with site.context.database.writing() as session:
        other = factories.add_challenge(session, slug="other")
        row = factories.add_announcement(session, other, site.organiser)
    browser = site.browser(site.organiser)

    answers = [
        browser.get(f"{NEWS}/{row.id}"),
        browser.get(f"{NEWS}/{row.id}/correct"),
        browser.post(f"{NEWS}/{row.id}/correct", data=FORM),
        browser.post(f"{NEWS}/{row.id}/take-down"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert _noted(site) == []


def test_an_author_is_called_as_they_want_to_be(site: Site) -> None:
    _add(site)
    with site.context.database.writing() as session:
        person = session.get_one(Person, site.organiser.id)
        person.shown_as, person.pseudonym = ShownAs.PSEUDONYM, "Quiet Heron 1"

    for path in (NEWS, f"{NEWS}.atom"):
        text = site.browser().get(path).text
        assert "Quiet Heron 1" in text
        assert "Oda" not in text


def test_a_program_announces_and_lists(site: Site) -> None:
    program = site.program(site.token(site.organiser, Scope.READ, Scope.ORGANISE))
    reader = site.program(site.token(site.eve, Scope.READ))

    made = program.post(API, json={"title": "More data", "text": "So."})
    again = program.post(API, json={"title": " More  data", "text": "So.\r\n"})
    refused = program.post(API, json={"title": "x\ny" * 100, "text": "So."})
    missing = program.post(API, json={"title": "More data"})
    listed = reader.get(API).json()

    assert made.status_code == 201
    assert made.headers["location"] == made.json()["url"]
    assert again.json() == made.json()
    assert (refused.status_code, refused.json()["error"]["reason"]) == (422, "title")
    assert missing.json()["error"]["message"].startswith("body.text: ")
    [item] = listed["items"]
    assert item == {
        "id": made.json()["id"], "title": "More data", "text": "So.", "by": "Oda Organiser",
        "made_at": "2026-11-24T10:05:00Z", "edited_at": None, "is_withdrawn": False,
    }  # fmt: skip
    assert len(_noted(site)) == 1
