"""What a team lacks for a phase that comes after another."""

import pytest

from portal.domain.errors import NotAllowedError
from portal.domain.submissions.admission import Needs, Prerequisite, Progress, check, lacking

SCORED = Prerequisite(phase="Warm-up", needs=Needs.SCORED)
FIVE = Prerequisite(phase="Warm-up", needs=Needs.RANK, rank=5)
HAND = Prerequisite(phase="Warm-up", needs=Needs.ORGANISERS)


@pytest.mark.parametrize(
    ("asked", "progress"),
    [
        (SCORED, Progress(has_score=True)),
        (FIVE, Progress(rank=5, is_over=True)),
        (HAND, Progress(is_admitted=True)),
    ],
)
def test_who_has_what_is_asked_for_lacks_nothing(asked: Prerequisite, progress: Progress) -> None:
    assert lacking(asked, progress) == ""
    check(asked, progress)


@pytest.mark.parametrize(
    ("asked", "progress", "says"),
    [
        (SCORED, Progress(rank=1, is_over=True, is_admitted=True),
         "Your team needs a submission to Warm-up that has a score before it can submit here."),
        (FIVE, Progress(rank=6, is_over=True),
         "Only teams with a place among the first 5 of Warm-up can submit here; yours is not one."),
        (FIVE, Progress(is_over=True, has_score=True),
         "Only teams with a place among the first 5 of Warm-up can submit here; yours is not one."),
        (FIVE, Progress(rank=1), "Who can submit here is known once Warm-up is over."),
        (HAND, Progress(has_score=True, rank=1, is_over=True),
         "The organisers have not admitted your team here."),
    ],
)  # fmt: skip
def test_what_is_lacking_is_said(asked: Prerequisite, progress: Progress, says: str) -> None:
    with pytest.raises(NotAllowedError) as refusal:
        check(asked, progress)

    assert (refusal.value.message, refusal.value.reason) == (says, "phase")
