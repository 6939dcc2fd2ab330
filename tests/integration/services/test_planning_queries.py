"""Planning asks the same few questions, however many evaluations, images and uploads wait."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from portal.db.engine import Database
from portal.db.tables import Evaluation
from portal.domain.profiles import Resources
from portal.domain.states import EvaluationState
from portal.domain.submissions import SubmissionKind
from portal.services.planning import plan
from tests import factories
from tests.integration.services.test_confirming import counted


def _full() -> Resources:
    """Return what a site offers of which all places are taken."""
    resources = factories.resources()
    profile = replace(resources.profiles["gpu-small"], running=0)
    names = ("gpu-small", "score", "build")
    profiles = {name: replace(profile, name=name) for name in names}
    return replace(resources, profiles=profiles)


@pytest.mark.parametrize("number", [1, 12])
def test_what_waits_takes_a_fixed_number_of_statements(database: Database, number: int) -> None:
    with database.writing() as session:
        digits = factories.add_challenge(session)
        probe = factories.add_image(session, "probe")
        for n in range(number):
            person = factories.add_person(session, f"Person {n}")
            team = factories.add_team(session, digits, f"Team {n}", person)
            for kind in (SubmissionKind.CODE, SubmissionKind.RESULTS):
                row = factories.add_submission(
                    session, digits, team, person, kind=kind, state=EvaluationState.WAITING,
                    filename=f"{kind}-{n}",
                )  # fmt: skip
                if kind is SubmissionKind.CODE:
                    made = select(Evaluation).where(Evaluation.submission_id == row.id)
                    session.scalars(made).one().image_id = factories.add_image(session, f"{n}").id

    with counted(database) as statements, database.writing() as session:
        planned = plan(
            session, resources=_full(), cluster="main", probe_image_id=probe.id, now=factories.NOW
        )

    assert planned.runs == 0
    assert len([one for one in statements if one.startswith("SELECT")]) == 18
