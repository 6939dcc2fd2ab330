"""What organisers are asked to look into."""

from sqlalchemy import select

from portal.db.tables import (
    Person,
    Submission,
)
from portal.services.teams import joining, membership, mergers, participant_views
from tests.support import factories
from tests.support.factories import MINUTE, NOW
from tests.support.scenes.participants import Scene, ask


def hints(scene: Scene) -> list[str]:
    with scene.database.reading() as session:
        page = participant_views.participants_page(
            session, actor=scene.actor("Oda"), slug="digits", page=1, now=NOW
        )
    return [f"{hint.what} {''.join(part.text for part in hint.who)}" for hint in page.hints]


def linked(scene: Scene) -> list[list[str | None]]:
    """Return the ids of the teams to which each hint leads."""
    with scene.database.reading() as session:
        page = participant_views.participants_page(
            session, actor=scene.actor("Oda"), slug="digits", page=1, now=NOW
        )
    return [[part.team_id for part in hint.who if part.team_id] for hint in page.hints]


def test_nothing_is_hinted_at_where_there_is_nothing(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")

    assert hints(scene) == []


def test_one_unique_id_through_two_providers_is_a_hint(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")
    with scene.database.writing() as session:
        for name, issuer in (("Ada", "https://one.example"), ("Eve", "https://two.example")):
            account = factories.add_account(
                session, session.get_one(Person, scene.people[name].id), f"{name}-at-{issuer[8:11]}"
            )
            account.unique_id = "a1b2c3@nordholm.example"

    [hint] = hints(scene)

    assert "the same unique id" in hint
    assert "Ada in Ada and Eve in Eve" in hint
    assert linked(scene) == [[scene.team("Ada").id, scene.team("Eve").id]]


def test_the_same_upload_by_two_teams_is_a_hint_until_they_merge(scene: Scene) -> None:
    scene.submit("Ada", "the same")
    scene.submit("Eve", "the same")
    before = hints(scene)

    scene.do(mergers.accept, "Eve", slug="digits", request_id=ask(scene, "Ada", "Eve"))

    assert "the same file" in before[0]
    assert hints(scene) == []


def test_many_teams_with_one_file_are_one_hint(scene: Scene) -> None:
    names = [f"Team {n}" for n in range(8)]
    with scene.database.writing() as session:
        for n, name in enumerate(names):
            team = factories.add_team(session, scene.digits, name)
            person = factories.add_person(session, f"Person {n}")
            for _ in range(2):
                row = factories.add_submission(
                    session, scene.digits, team, person, at=NOW + n * MINUTE
                )
                row.blob_sha256 = factories.add_blob(session, "the same")

    [hint] = hints(scene)

    assert "8 teams have submitted the same file" in hint
    assert "Team 0, Team 1, Team 2, Team 3, Team 4 and 3 more, SHA-256" in hint


def test_leaving_a_team_with_submissions_for_another_is_a_hint(scene: Scene) -> None:
    scene.submit("Ada")
    scene.invite("Ada", "Grace")
    scene.do(membership.leave, "Grace", slug="digits")
    scene.submit("Grace", now=NOW + MINUTE)

    [hint] = hints(scene)

    assert "Grace, from Ada (1) to Grace" in hint
    assert linked(scene) == [[scene.team("Ada").id, scene.team("Grace").id]]


def test_a_merger_of_the_team_that_was_left_hides_nothing(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")
    scene.invite("Ada", "Grace")
    scene.do(membership.leave, "Grace", slug="digits")
    scene.submit("Grace", now=NOW + MINUTE)

    scene.do(mergers.accept, "Eve", slug="digits", request_id=ask(scene, "Ada", "Eve"))
    of_two = hints(scene)
    leads_to = linked(scene)
    of_the_old = scene.team("Eve").id
    scene.do(mergers.accept, "Grace", slug="digits", request_id=ask(scene, "Eve", "Grace"))

    assert len(of_two) == 1
    assert "Grace, from Ada (merged" in of_two[0]
    assert leads_to == [[of_the_old, scene.team("Grace").id]]
    assert hints(scene) == []  # The two are one team now.


def test_somebody_who_is_in_no_team_yet_is_named_all_the_same(scene: Scene) -> None:
    scene.submit("Ada")
    scene.do(joining.join, "Grace", slug="digits", accepts=True, note="")
    with scene.database.writing() as session:
        for name in ("Ada", "Grace"):
            account = factories.add_account(
                session, session.get_one(Person, scene.people[name].id), f"{name}-again"
            )
            account.unique_id = "a1b2c3@nordholm.example"

    [hint] = hints(scene)

    assert hint.endswith("Ada in Ada and Grace")
    assert linked(scene) == [[scene.team("Ada").id]]


def test_a_file_that_was_only_tried_on_the_sample_is_no_hint(scene: Scene) -> None:
    scene.submit("Ada", "the same")
    scene.submit("Eve", "the same")
    eves = select(Submission).where(Submission.team_id == scene.team("Eve").id)
    with scene.database.writing() as session:
        session.scalars(eves).one().is_smoke = True

    assert hints(scene) == []
