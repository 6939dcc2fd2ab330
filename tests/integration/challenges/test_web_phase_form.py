"""Dates and limits are set in a form, and are a proposal like every other change."""

from typing import Any

import pytest

from tests.support.web.organised import ROOT, Organised

FORM = f"{ROOT}/change/phases"
AS_IT_IS = {
    "start-0": "2026-11-01T00:00", "end-0": "2027-01-01T00:00",
    "per_day-0": "3", "total-0": "5", "running-0": "2",
}  # fmt: skip


def _send(site: Organised, who: str = "organiser", **fields: str) -> Any:
    return site.browser(who).post(FORM, data=AS_IT_IS | fields)


def test_the_form_shows_what_holds(organised: Organised) -> None:
    page = organised.browser("organiser").get(FORM).text

    assert 'type="datetime-local"' in page
    assert all(f'value="{value}"' in page for value in AS_IT_IS.values())
    assert FORM in organised.browser("organiser").get(f"{ROOT}/change").text


def test_an_extension_and_another_limit_are_proposed_and_applied(organised: Organised) -> None:
    sent = _send(organised, **{"end-0": "2027-02-01T12:30", "per_day-0": "", "message": "Snow."})
    revision = sent.headers["location"]
    page = organised.browser("owner").get(revision).text
    applied = organised.browser("owner").post(f"{revision}/apply")

    assert (sent.status_code, applied.status_code) == (303, 303)
    assert "Phase dev now runs from 2026-11-01 00:00 UTC to 2027-02-01 12:30 UTC." in page
    assert "Snow." in page
    row = organised.revisions()[-1]
    assert row.changes == ["phase dev: end", "phase dev: limits.per_day"]
    assert "limits: {total: 5, running: 2}" in row.settings


def test_limits_per_week_and_for_failures_are_set_in_the_same_way(organised: Organised) -> None:
    sent = _send(organised, **{"per_week-0": "4", "failed_per_day-0": "2"})
    page = organised.browser("owner").get(sent.headers["location"]).text
    applied = organised.browser("owner").post(f"{sent.headers['location']}/apply")

    assert applied.status_code == 303
    row = organised.revisions()[-1]
    assert row.changes == ["phase dev: limits.per_week", "phase dev: limits.failed_per_day"]
    assert (
        "limits: {per_day: 3, per_week: 4, total: 5, running: 2, failed_per_day: 2}" in row.settings
    )
    assert "Nobody is notified" not in page


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("end-0", "tomorrow", "Write a date and a time"),
        ("end-0", "2026-10-01T00:00", "The end has to be later than the start."),
        ("start-0", "", "Write a date and a time"),
        ("per_day-0", "0", "Write a number from 1"),
        ("per_day-0", "many", "Write a number from 1"),
        ("total-0", "9" * 30, "Write a number from 1"),
        ("running-0", "²", "Write a number from 1"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_written_stays(
    organised: Organised, field: str, value: str, says: str
) -> None:
    answer = _send(organised, **{field: value})

    assert answer.status_code == 422
    assert says in answer.text
    assert f'href="#field-{field}"' in answer.text
    assert f'value="{value}"' in answer.text
    assert len(organised.revisions()) == 1


def test_nothing_changed_is_no_proposal(organised: Organised) -> None:
    answer = _send(organised)

    assert answer.status_code == 422
    assert "Nothing is otherwise than in revision 1" in answer.text


@pytest.mark.parametrize(("who", "status"), [("reviewer", 404), ("member", 404)])
def test_others_do_not_see_it(organised: Organised, who: str, status: int) -> None:
    answers = [organised.browser(who).get(FORM), _send(organised, who, **{"per_day-0": "1"})]

    assert [answer.status_code for answer in answers] == [status] * 2
