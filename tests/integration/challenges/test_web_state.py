"""A challenge goes from state to state: by its owners, on the page, by the API and by command."""

import pytest
from sqlalchemy import select, update

from portal.db.tables import AuditEntry, Challenge, Evaluation, Person
from portal.domain.accounts.tokens import Scope
from portal.domain.audit import Action
from portal.domain.challenges.life import ChallengeState
from portal.domain.evaluations.states import EvaluationState
from portal.domain.permissions import Role
from portal.services.challenges.access import RESTS
from tests.support import factories
from tests.support.web.site import Site

ROOT = "/challenges/digits"
STATE = f"{ROOT}/state"
API = f"/api/v1{STATE}"


def _set(site: Site, state: ChallengeState, *, approved: bool = True) -> None:
    with site.context.database.writing() as session:
        row = session.get_one(Challenge, site.digits.challenge.id)
        row.state = state
        row.approved_at = factories.NOW if approved else None


def _state(site: Site) -> ChallengeState:
    with site.context.database.reading() as session:
        return session.get_one(Challenge, site.digits.challenge.id).state


def _entries(site: Site) -> list[AuditEntry]:
    with site.context.database.reading() as session:
        found = select(AuditEntry).where(AuditEntry.action == Action.CHALLENGE_STEPPED)
        return list(session.scalars(found.order_by(AuditEntry.number)))


def test_an_owner_closes_it_and_opens_it_again(site: Site) -> None:
    browser = site.browser(site.organiser)

    shown = browser.get(STATE).text
    closed = browser.post(STATE, data={"to": "closed", "reason": "a fault in the data"})
    after = browser.get(STATE).text

    assert "This challenge is <strong>published</strong>." in shown
    assert (closed.status_code, closed.headers["location"]) == (303, STATE)
    assert "This challenge is <strong>closed</strong>." in after
    [entry] = _entries(site)
    assert entry.detail == {
        "before": "published",
        "state": "closed",
        "reason": "a fault in the data",
    }
    assert browser.post(STATE, data={"to": "published"}).status_code == 303
    assert _state(site) is ChallengeState.PUBLISHED


def test_doing_it_again_changes_nothing_and_writes_nothing_down(site: Site) -> None:
    browser = site.browser(site.organiser)

    answers = [browser.post(STATE, data={"to": "closed"}).status_code for _ in range(2)]

    assert answers == [303, 303]
    assert len(_entries(site)) == 1


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("archived", "A challenge that is published cannot become archived."),
        ("draft", "Teams have submitted to this challenge"),
        ("nothing", "Choose what it becomes."),
        ("", "Choose what it becomes."),
    ],
)
def test_a_step_that_there_is_not_is_refused_on_the_page(site: Site, to: str, words: str) -> None:
    answer = site.browser(site.organiser).post(STATE, data={"to": to, "reason": "kept"})

    assert answer.status_code == 422
    assert words in answer.text
    assert ">kept</textarea>" in answer.text
    assert (_state(site), _entries(site)) == (ChallengeState.PUBLISHED, [])


def test_a_reason_has_a_length(site: Site) -> None:
    answer = site.browser(site.organiser).post(STATE, data={"to": "closed", "reason": "x" * 501})

    assert (answer.status_code, _state(site)) == (422, ChallengeState.PUBLISHED)
    assert "Write at most 500 characters." in answer.text


def test_nothing_is_published_before_the_site_has_approved_it(site: Site) -> None:
    _set(site, ChallengeState.IN_REVIEW, approved=False)
    browser = site.browser(site.organiser)

    shown = browser.get(STATE).text
    answer = browser.post(STATE, data={"to": "published"})

    assert "The site has not approved yet what it runs" in shown
    assert 'value="published"' not in shown
    assert (answer.status_code, _state(site)) == (422, ChallengeState.IN_REVIEW)


def _role(site: Site, person: Person, role: Role) -> None:
    with site.context.database.writing() as session:
        factories.add_organiser(session, site.digits, person, role)


@pytest.mark.parametrize(
    ("who", "before", "to", "status"),
    [
        ("co-organiser", "draft", "in_review", 303),
        ("co-organiser", "in_review", "draft", 303),
        ("co-organiser", "in_review", "published", 403),
        ("co-organiser", "published", "closed", 403),
        ("reviewer", "draft", "in_review", 403),
        ("staff", "in_review", "draft", 303),
        ("staff", "published", "closed", 303),
        ("ada", "published", "closed", 404),
        ("nobody", "published", "closed", 303),
    ],
)
def test_who_may_take_which_step(site: Site, who: str, before: str, to: str, status: int) -> None:
    _set(site, ChallengeState(before))
    people = {"staff": site.staff, "ada": site.ada, "nobody": None}
    if who == "co-organiser":
        _role(site, site.newcomer, Role.ORGANISER)
    if who == "reviewer":
        _role(site, site.newcomer, Role.REVIEWER)

    answer = site.browser(people.get(who, site.newcomer)).post(STATE, data={"to": to})

    assert answer.status_code == status
    if who == "nobody":
        assert answer.headers["location"].startswith("/login")
    is_done = status == 303 and who != "nobody"
    assert _state(site) is ChallengeState(to if is_done else before)


def test_the_page_is_for_those_who_work_for_it(site: Site) -> None:
    _role(site, site.newcomer, Role.REVIEWER)
    people = (site.organiser, site.staff, site.newcomer, site.ada)

    answers = [site.browser(person).get(STATE) for person in people]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 404]
    assert [answer.text.count('name="to"') for answer in answers[:3]] == [1, 1, 0]


@pytest.mark.parametrize("state", [ChallengeState.CLOSED, ChallengeState.ARCHIVED])
def test_nobody_takes_part_in_what_is_over_and_everybody_still_sees_it(
    site: Site, state: ChallengeState
) -> None:
    _set(site, state)
    file = {"file": ("a.csv", b"1,2\n")}
    form = {"phase": "dev", "kind": "results"}

    submitted = site.browser(site.ada).post(f"{ROOT}/submit", data=form, files=file)
    by_program = site.program(site.token(site.ada, Scope.SUBMIT)).post(
        f"/api/v1{ROOT}/submissions", data=form, files=file
    )
    joined = site.browser(site.newcomer).post(f"{ROOT}/join", data={"accept": "yes"})
    pages = [site.browser().get(f"{ROOT}{path}") for path in ("", "/leaderboard")]

    words = {"closed": "The organisers have closed this challenge.", "archived": RESTS}
    assert submitted.status_code == 403
    assert words[state] in submitted.text
    assert (by_program.status_code, by_program.json()["error"]["reason"]) == (403, state)
    assert joined.status_code in {403, 404}
    assert [page.status_code for page in pages] == [200, 200]
    assert "Past" in site.browser().get("/").text
    assert f"{ROOT}/submit" not in pages[0].text


def test_a_program_does_the_same(site: Site) -> None:
    program = site.program(site.token(site.organiser, Scope.ORGANISE))

    done = program.post(API, json={"to": "closed", "reason": "over"})
    again = program.post(API, json={"to": "closed"})
    refused = program.post(API, json={"to": "draft"})
    unknown = program.post(API, json={"to": "gone"})
    none = program.post(API, json={})

    assert (done.status_code, done.json()) == (200, {"before": "published", "state": "closed"})
    assert again.json() == {"before": "closed", "state": "closed"}
    assert (refused.status_code, refused.json()["error"]["reason"]) == (422, "state")
    assert (unknown.status_code, unknown.json()["error"]["reason"]) == (422, "invalid")
    assert unknown.json()["error"]["message"].startswith("body.to: ")
    assert none.json()["error"]["message"].startswith("body.to: ")
    assert len(_entries(site)) == 1


def test_staff_see_what_waits_for_the_site(site: Site) -> None:
    _set(site, ChallengeState.IN_REVIEW, approved=False)
    browser = site.browser(site.staff)

    waiting = browser.get("/staff").text
    _set(site, ChallengeState.PUBLISHED)
    after = browser.get("/staff").text

    assert "Challenges to be approved" in waiting
    assert f'href="{STATE}"' in waiting
    assert "Challenges to be approved" not in after


@pytest.mark.parametrize("state", [EvaluationState.RUNNING, EvaluationState.HELD])
def test_what_has_not_ended_keeps_a_challenge_from_being_archived(
    site: Site, state: EvaluationState
) -> None:
    with site.context.database.writing() as session:
        team = factories.add_team(session, site.digits, "Late", site.newcomer)
        row = factories.add_submission(session, site.digits, team, site.newcomer, state=state)
        session.get_one(Challenge, site.digits.challenge.id).state = ChallengeState.CLOSED
    owner = site.browser(site.organiser)

    page = owner.get(f"{ROOT}/state").text
    refused = owner.post(f"{ROOT}/state", data={"to": "archived"})
    with site.context.database.writing() as session:
        of_it = Evaluation.submission_id == row.id
        session.execute(update(Evaluation).where(of_it).values(state=EvaluationState.CANCELLED))
    done = owner.post(f"{ROOT}/state", data={"to": "archived"})

    assert "Evaluations of this challenge have not ended" in page
    assert refused.status_code == 422
    assert "Evaluations of this challenge have not ended" in refused.text
    assert done.status_code == 303
