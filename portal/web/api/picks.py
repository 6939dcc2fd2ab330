"""Choosing which submissions count on a board, for programs."""

from portal.services.submissions import picks
from portal.web.api import models
from portal.web.api.calls import Id, Submitting


def pick(call: Submitting, submission_id: Id, wanted: models.PickWanted) -> models.Picks:
    """Choose a submission of your team to count on a board, until its last phase ends or what ranks there is revealed.

    Of all that it has chosen the best counts; where it has chosen none, its best by the public score. Doing it again
    changes nothing.
    """
    picked = call.write(
        picks.pick,
        actor=call.actor,
        submission_id=submission_id,
        board=wanted.board,
        now=call.now,
    )
    return models.Picks(board=wanted.board, submissions=list(picked.submissions))


def unpick(call: Submitting, submission_id: Id, wanted: models.PickWanted) -> models.Picks:
    """Take back that a submission of your team was chosen, as long as it could be.

    Doing it again changes nothing.
    """
    picked = call.write(
        picks.unpick,
        actor=call.actor,
        submission_id=submission_id,
        board=wanted.board,
        now=call.now,
    )
    return models.Picks(board=wanted.board, submissions=list(picked.submissions))
