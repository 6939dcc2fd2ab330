"""A dry run on a real cluster: baselines and samples end as they have to, and no cheat gains anything."""

from typing import Any

import pytest
from sqlalchemy import select

from portal.db.tables import Challenge, Organiser
from portal.domain.accounts.people import Actor
from portal.domain.challenges.dry_runs import TrialRole, Verdict
from portal.domain.challenges.life import ChallengeState
from portal.domain.permissions import Role
from portal.services.challenges import life
from portal.services.challenges.dry_runs import report, starting
from portal.services.challenges.dry_runs.trials import trials_of
from tests.support.cluster.spine import PATIENCE, OpenSpine, Spine

pytestmark = pytest.mark.cluster


def _start(spine: Spine, owner: Actor) -> None:
    about: dict[str, Any] = {"actor": owner, "slug": "digits", "now": spine.site.clock()}
    database, resources = spine.site.database, spine.site.resources
    with database.writing() as session:
        challenge = session.scalars(select(Challenge)).one()
        challenge.state = ChallengeState.DRAFT
        session.add(
            Organiser(challenge_id=challenge.id, person_id=str(owner.person_id), role=Role.OWNER)
        )
    with database.reading() as session:
        plan = starting.plan(session, resources=resources, **about)
    trials, notes = trials_of(plan, spine.site.store, with_long=False)
    with database.writing() as session:
        starting.start(session, subject=plan.subject, trials=trials, notes=notes, **about)


def test_the_example_challenge_is_as_it_has_to_be(open_site: OpenSpine) -> None:
    spine = open_site()
    owner = Actor(person_id=spine.new_person(), name="Oda")
    _start(spine, owner)
    spine.start_worker()

    spine.wait(PATIENCE, spine.is_settled)

    now = spine.site.clock()
    with spine.site.database.reading() as session:
        found = report.page(session, actor=owner, slug="digits", number=None, now=now).report
    assert found is not None
    wrong = {
        row.name: row.finding for row in found.rows if row.finding.verdict is not Verdict.RIGHT
    }
    assert wrong == {}
    cheats = {row.name for row in found.rows if row.role is TrialRole.ATTACK}
    assert {
        "constant answer",
        "deep nesting",
        "look for the truth",
        "too much output",
        "waits for ever",
    } <= cheats
    with spine.site.database.writing() as session:
        life.step(session, actor=owner, slug="digits", to=ChallengeState.PUBLISHED, now=now)
    assert [scores["accuracy"] > 0.9 for scores in spine.standings().values()] == [True]
