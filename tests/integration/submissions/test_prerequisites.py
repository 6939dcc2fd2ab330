"""A phase that comes after another: who can submit is the same for page, API and transaction, and said before."""

from typing import Any

import pytest
from sqlalchemy import select

from portal.db.tables import AuditEntry, Phase, PhaseAdmission, Submission, SubmissionMark, Team
from portal.domain.accounts.tokens import Scope
from portal.domain.audit import Action
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards.marks import Mark
from portal.domain.submissions.admission import Needs
from portal.web.local_paths import API
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site

ROOT = "/challenges/digits"
SUBMIT, ADMISSIONS = f"{ROOT}/submit", f"{ROOT}/admissions"
FORM = {"phase": "dev", "kind": "results"}
FILE = {"file": ("predictions.csv", b"id,digit\n")}


def _ask(site: Site, needs: Needs, **values: Any) -> None:
    with site.context.database.writing() as session:
        phase = session.get_one(Phase, site.digits.dev.id)
        phase.after_slug, phase.after_needs = "warm-up", needs
        for name, value in values.items():
            setattr(phase, name, value)


def _of_eve(site: Site, phase: str = "warm-up", **values: Any) -> str:
    with site.context.database.writing() as session:
        team = session.scalars(select(Team).where(Team.name == "Team Eve")).one()
        made = factories.add_submission(
            session, site.digits, team, site.eve, phase=phase, at=NOW - 21 * DAY, **values
        )
        if values.get("state", EvaluationState.SCORED) is EvaluationState.SCORED:
            factories.add_standing(session, site.digits, team, made, 0.9, phase=phase)
    return made.id


def _submit(site: Site) -> tuple[int, int]:
    """Submit by the page and by the API."""
    by_page = site.browser(site.eve).post(SUBMIT, data=FORM, files=FILE)
    program = site.program(site.token(site.eve, Scope.SUBMIT))
    by_api = program.post(f"{API}{ROOT}/submissions", data=FORM, files=FILE)
    return by_page.status_code, by_api.status_code


def _kept(site: Site) -> int:
    root = site.context.store.incoming_directory.parent
    return len([path for path in root.rglob("*") if path.is_file()])


def test_without_a_score_there_nothing_is_taken_and_nothing_kept(site: Site) -> None:
    _ask(site, Needs.SCORED)
    _of_eve(site, state=EvaluationState.FAILED)
    says = "Your team needs a submission to Warm-up that has a score before it can submit here."

    page = site.browser(site.eve).get(SUBMIT).text
    answers = _submit(site)
    refused = site.browser(site.newcomer).post(SUBMIT, data=FORM, files=FILE)

    assert says in page
    assert answers == (403, 403)
    assert refused.status_code == 403
    assert says in refused.text
    assert _kept(site) == 0
    assert "a submission to Warm-up that has a score" in site.browser().get(ROOT).text


def test_with_a_score_there_it_is_open(site: Site) -> None:
    _ask(site, Needs.SCORED)
    _of_eve(site)

    assert _submit(site) == (303, 201)


@pytest.mark.parametrize("mark", [Mark.DISQUALIFIED, Mark.HIDDEN])
def test_what_is_off_the_board_is_no_score(site: Site, mark: Mark) -> None:
    _ask(site, Needs.SCORED)
    made = _of_eve(site)
    with site.context.database.writing() as session:
        session.add(SubmissionMark(submission_id=made, mark=mark, reason="So.", made_at=NOW))

    assert _submit(site) == (403, 403)


def test_a_run_on_the_sample_is_no_score(site: Site) -> None:
    _ask(site, Needs.SCORED)
    with site.context.database.writing() as session:
        team = session.scalars(select(Team).where(Team.name == "Team Eve")).one()
        factories.add_submission(
            session, site.digits, team, site.eve, phase="warm-up", is_smoke=True
        )

    assert _submit(site) == (403, 403)


@pytest.mark.parametrize(("rank", "answers"), [(1, (403, 403)), (2, (303, 201))])
def test_a_rank_counts_once_the_phase_is_over(
    site: Site, rank: int, answers: tuple[int, int]
) -> None:
    _ask(site, Needs.RANK, after_rank=rank)
    _of_eve(site)
    with site.context.database.writing() as session:
        team = session.scalars(select(Team).where(Team.name == "Team Ada")).one()
        better = factories.add_submission(
            session, site.digits, team, site.ada, phase="warm-up", accuracy=0.99
        )
        factories.add_standing(session, site.digits, team, better, 0.99, phase="warm-up")

    assert _submit(site) == answers


def test_while_the_phase_before_is_open_nobody_learns_a_rank(site: Site) -> None:
    _ask(site, Needs.RANK, after_rank=1)
    _of_eve(site)
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.phases["warm-up"].id).ends_at = NOW + DAY

    page = site.browser(site.eve).get(SUBMIT).text

    assert "Who can submit here is known once Warm-up is over." in page
    assert _submit(site) == (403, 403)


def _team(site: Site, name: str = "Team Eve") -> str:
    with site.context.database.reading() as session:
        return session.scalars(select(Team.id).where(Team.name == name)).one()


def test_organisers_admit_a_team_and_take_that_back(site: Site) -> None:
    _ask(site, Needs.ORGANISERS)
    organiser, form = site.browser(site.organiser), {"phase": "dev", "team": _team(site)}
    before = _submit(site)

    admitted = [organiser.post(ADMISSIONS, data=form | {"do": "admit"}) for _ in range(2)]
    page = organiser.get(ADMISSIONS).text
    after = _submit(site)
    taken = organiser.post(ADMISSIONS, data=form | {"do": "take-back"})

    assert (before, after) == ((403, 403), (303, 201))
    assert [one.status_code for one in (*admitted, taken)] == [303] * 3
    assert 'Take back<span class="unseen"> that Team Eve is admitted</span>' in page
    assert _submit(site) == (403, 403)
    with site.context.database.reading() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.number)).all()
        assert session.scalars(select(PhaseAdmission)).all() == []
    wanted = {Action.TEAM_ADMITTED, Action.TEAM_ADMISSION_TAKEN}
    assert [one for one in actions if one in wanted] == [
        Action.TEAM_ADMITTED, Action.TEAM_ADMISSION_TAKEN,
    ]  # fmt: skip


def test_no_other_phase_and_no_other_challenges_team_is_admitted(site: Site) -> None:
    _ask(site, Needs.ORGANISERS)
    with site.context.database.writing() as session:
        other = factories.add_challenge(session, "other", "Other")
        stranger = factories.add_team(session, other, "Strangers").id
    program = site.program(site.token(site.organiser, Scope.ORGANISE))

    answers = [
        program.post(f"{API}{ADMISSIONS}", json={"phase": phase, "team": team, "admitted": True})
        for phase, team in (("final", _team(site)), ("dev", stranger), ("dev", "nothing"))
    ]

    assert [one.status_code for one in answers] == [422] * 3
    with site.context.database.reading() as session:
        assert session.scalars(select(PhaseAdmission)).all() == []


def test_late_submissions_are_evaluated_and_take_no_rank_from_their_team(site: Site) -> None:
    with site.context.database.writing() as session:
        phase = session.get_one(Phase, site.digits.phases["warm-up"].id)
        phase.takes_late, phase.late_until = True, NOW + DAY
    eve = site.browser(site.eve)

    page = eve.get(SUBMIT).text
    made = eve.post(SUBMIT, data=FORM | {"phase": "warm-up"}, files=FILE)
    shown = eve.get(made.headers["location"]).text

    assert "what you submit now, until" in page
    assert "is late, and stands without a rank" in " ".join(page.split())
    assert made.status_code == 303
    assert "late: after the end of the phase" in shown
    with site.context.database.reading() as session:
        row = session.scalars(select(Submission).where(Submission.is_late)).one()
        [mark] = session.scalars(select(SubmissionMark))
    assert (mark.submission_id, mark.mark, mark.made_by) == (row.id, Mark.UNRANKED, None)
    assert "The portal" in site.browser(site.organiser).get(f"/submissions/{row.id}/marks").text
    assert site.browser(site.organiser).post(
        f"/submissions/{row.id}/marks", data={"change": "off-unranked", "reason": "A node failed."}
    ).status_code == 303  # fmt: skip


def test_late_submissions_end_with_their_own_end(site: Site) -> None:
    with site.context.database.writing() as session:
        phase = session.get_one(Phase, site.digits.phases["warm-up"].id)
        phase.takes_late, phase.late_until = True, NOW - DAY

    refused = site.browser(site.eve).post(SUBMIT, data=FORM | {"phase": "warm-up"}, files=FILE)

    assert refused.status_code == 422
    assert "Warm-up took late submissions until" in refused.text


def test_a_challenge_of_which_nothing_is_open_still_offers_late_submissions(site: Site) -> None:
    with site.context.database.writing() as session:
        for phase in session.scalars(select(Phase)):
            phase.ends_at = min(phase.ends_at, NOW - DAY)
            phase.starts_at = min(phase.starts_at, NOW - 2 * DAY)
        session.get_one(Phase, site.digits.dev.id).takes_late = True

    page = site.browser(site.eve).get(ROOT).text

    assert f'href="{SUBMIT}"' in page
    assert "is over: what is submitted has no rank" in " ".join(page.split())
    assert site.browser(site.eve).post(SUBMIT, data=FORM, files=FILE).status_code == 303
