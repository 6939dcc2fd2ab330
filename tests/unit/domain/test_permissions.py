import pytest

from portal.domain import permissions
from portal.domain.accounts.people import VISITOR, Actor
from portal.domain.permissions import Audience, ChallengeRelation

STAFF = Actor(person_id="staff", is_staff=True)
ORGANISER = Actor(person_id="organiser")
PARTICIPANT = Actor(person_id="participant")
OTHER = Actor(person_id="other")
EVERYBODY = [VISITOR, OTHER, PARTICIPANT, ORGANISER, STAFF]

OPEN = ChallengeRelation(published=True, organisers={"organiser"}, participants={"participant"})
DRAFT = ChallengeRelation(published=False, organisers={"organiser"}, participants={"participant"})


@pytest.mark.parametrize(
    ("question", "yes"),
    [
        pytest.param(
            lambda a: permissions.may_organise(a, OPEN), [ORGANISER, STAFF], id="organise"
        ),
        pytest.param(lambda a: permissions.may_see_challenge(a, OPEN), EVERYBODY, id="see"),
        pytest.param(
            lambda a: permissions.may_see_challenge(a, DRAFT), [ORGANISER, STAFF], id="see a draft"
        ),
        pytest.param(lambda a: permissions.may_submit(a, OPEN), EVERYBODY[1:], id="submit"),
        pytest.param(
            lambda a: permissions.may_submit(a, DRAFT), [ORGANISER, STAFF], id="submit to a draft"
        ),
        pytest.param(
            lambda a: permissions.may_see_submission(a, OPEN, {"participant"}),
            [PARTICIPANT, ORGANISER, STAFF],
            id="see a submission",
        ),
        pytest.param(
            lambda a: permissions.may_see_leaderboard(a, OPEN, Audience.PUBLIC),
            EVERYBODY,
            id="public leaderboard",
        ),
        pytest.param(
            lambda a: permissions.may_see_leaderboard(a, OPEN, Audience.PARTICIPANTS),
            [PARTICIPANT, ORGANISER, STAFF],
            id="participants' leaderboard",
        ),
        pytest.param(
            lambda a: permissions.may_see_leaderboard(a, OPEN, Audience.ORGANISERS),
            [ORGANISER, STAFF],
            id="organisers' leaderboard",
        ),
        pytest.param(
            lambda a: permissions.may_see_leaderboard(a, DRAFT, Audience.PUBLIC),
            [ORGANISER, STAFF],
            id="public leaderboard of a draft",
        ),
        pytest.param(permissions.may_see_staff_pages, [STAFF], id="staff pages"),
    ],
)
def test_who_may(question, yes):
    assert [actor for actor in EVERYBODY if question(actor)] == yes


def test_nobody_is_in_a_team_of_nobody():
    assert not permissions.may_see_submission(VISITOR, OPEN, {None})
