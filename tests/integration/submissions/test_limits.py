"""What counts against which limit, for the form, the API and the transaction alike."""

from datetime import datetime

import pytest
from sqlalchemy import select

from portal.db.tables import Phase, Submission, Team
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.submissions.disclosure import AFTER_DATA, Failures
from portal.services.submissions import quota
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site

E = EvaluationState
FORM = {"phase": "dev", "kind": "results"}
FILE = {"file": ("predictions.csv", b"id,digit\n")}
SUBMIT = "/challenges/digits/submit"


def _limit(site: Site, **values: object) -> None:
    with site.context.database.writing() as session:
        phase = session.get_one(Phase, site.digits.dev.id)
        for name, value in values.items():
            setattr(phase, name, value)


def _add(site: Site, *, at: datetime = NOW, **values: object) -> None:
    """Add something that Eve has submitted."""
    with site.context.database.writing() as session:
        [team] = (one for one in session.scalars(select(Team)) if one.name == "Team Eve")
        factories.add_submission(session, site.digits, team, site.eve, at=at, **values)  # type: ignore[arg-type]


def _used(site: Site) -> tuple[int, int, int, int]:
    with site.context.database.reading() as session:
        [team] = (one for one in session.scalars(select(Team)) if one.name == "Team Eve")
        phase = session.get_one(Phase, site.digits.dev.id)
        used = quota.used(session, phase, team.id, now=NOW)
    return used.today, used.week, used.total, used.failed_today


def test_days_and_weeks_are_those_of_utc(site: Site) -> None:
    # NOW is a Tuesday.
    for days in (0, 1, 2, 9):
        _add(site, at=NOW - days * DAY)

    assert _used(site) == (1, 2, 4, 0)


@pytest.mark.parametrize(
    ("failures", "reason", "used"),
    [
        (Failures.TYPED, FailureReason.EXIT_CODE, (0, 0, 0, 1)),
        (Failures.TYPED, FailureReason.BAD_ARCHIVE, (0, 0, 0, 1)),
        (Failures.SEALED, FailureReason.BAD_ARCHIVE, (0, 0, 0, 1)),
        (Failures.SEALED, FailureReason.EXIT_CODE, (1, 1, 1, 0)),
    ],
)
def test_own_failures_count_apart_as_far_as_the_data_cannot_have_brought_them_about(
    site: Site, failures: Failures, reason: FailureReason, used: tuple[int, ...]
) -> None:
    _add(site, state=E.FAILED, reason=reason)
    _limit(site, failures=failures)
    before = _used(site)

    _limit(site, failed_per_day=2)

    assert before == (1, 1, 1, 0)
    assert _used(site) == used


@pytest.mark.parametrize("reason", sorted(AFTER_DATA))
def test_in_a_sealed_phase_a_failure_on_private_data_counts_like_a_score(
    site: Site, reason: FailureReason
) -> None:
    """Else what is left would tell which of the two it was, and answers would not be bounded by ``total``."""
    _limit(site, failures=Failures.SEALED, failed_per_day=1)
    _add(site, state=E.FAILED, reason=reason)
    failed = site.browser(site.eve).get(SUBMIT).text

    with site.context.database.writing() as session:
        for row in session.scalars(select(Submission)):
            if row.person_id == site.eve.id:
                row.counts = False
    _add(site, state=E.SCORED)

    assert "4 of 5 left today" in failed
    assert "1 of 1 may still fail today" in failed
    assert "4 of 5 left today" in site.browser(site.eve).get(SUBMIT).text


def test_what_is_the_sites_fault_counts_nowhere(site: Site) -> None:
    _limit(site, failed_per_day=2)
    _add(site, state=E.FAILED, reason=FailureReason.INFRASTRUCTURE, counts=False)

    assert _used(site) == (0, 0, 0, 0)


def test_after_so_many_failures_page_and_api_refuse_until_tomorrow(site: Site) -> None:
    _limit(site, failed_per_day=1)
    _add(site, state=E.FAILED, reason=FailureReason.EXIT_CODE)
    browser = site.browser(site.eve)

    page = browser.get(SUBMIT).text
    refused = browser.post(SUBMIT, data=FORM, files=FILE)

    assert "0 of 1 may still fail today" in page
    assert "The next can be submitted from" in page
    assert "in 13 hours 55 minutes." in page
    assert refused.status_code == 429
    assert "1 of your team&#39;s submissions have failed today" in refused.text
    with site.context.database.reading() as session:
        assert len(session.scalars(select(Submission)).all()) == 2


def test_a_used_up_week_says_when_there_is_room_again(site: Site) -> None:
    _limit(site, per_week=1)
    _add(site, at=NOW - DAY)

    refused = site.browser(site.eve).post(SUBMIT, data=FORM, files=FILE)

    assert refused.status_code == 429
    assert "used its 1 submissions of this week" in refused.text
    assert "from 2026-11-30 00:00 UTC, in 5 days 13 hours 55 minutes." in refused.text
