"""What needs a person, and what can be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries import attention as queries
from portal.db.queries.attention import Ended, ImageUse, SiteImage
from portal.db.tables import Challenge, Evaluation, Trouble
from portal.domain.attention.decisions import Choice
from portal.services.evaluations import images
from portal.services.evaluations.builds import AGAIN_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """One thing that needs a person, or several that failed alike."""

    id: str
    """By which people name it."""
    since: datetime
    step: str
    """Of the worker, where it could not go on; ``end`` of evaluations that have ended; else empty."""
    subject: str
    problem: str
    choices: tuple[Choice, ...]
    """What can be done about it; nothing where the challenge is archived."""
    number: int = 1
    """How many failed alike."""
    challenge_id: str | None = None
    challenge_slug: str = ""
    challenge: str = ""
    """Title of the challenge; empty for what is of the site."""
    submission_id: str | None = None
    again_at: datetime | None = None
    """When it is tried again by itself."""
    decided: Choice | None = None
    """What a worker is about to do with it."""


def listed(
    session: Session, *, challenge_id: str | None = None, at_most: int | None = None
) -> list[Attention]:
    """List what needs attention, of the site or of one challenge, oldest first; of many the oldest ``at_most``.

    However many there are, it takes nine queries.
    """
    limit = None if challenge_id else at_most
    rows = queries.set_aside(session, at_most=limit)
    about = queries.evaluations_by_subject(session, [row.subject for row in rows])
    held = queries.held(session, at_most=limit)
    known = {evaluation.id for evaluation in about.values()}
    own = queries.challenges_of(session, [*known, *(one.id for one in held)])
    found = [_of_trouble(row, about.get(row.subject), own) for row in rows]
    found += [_of_held(one, own) for one in held if one.id not in known]
    found += _of_ended(session, queries.ended(session, at_most=limit))
    found += [_of_image(one) for one in queries.failed_images(session)]
    wanted = [one for one in found if challenge_id in {None, one.challenge_id}]
    first = sorted(wanted, key=lambda one: (one.since, one.id))[:at_most]
    return _with_names(session, first)


def _of_trouble(
    row: Trouble, evaluation: Evaluation | None, challenges: Mapping[str, str]
) -> Attention:
    return Attention(
        id=row.id,
        since=row.first_at,
        step=row.step,
        subject=row.subject,
        problem=row.problem,
        choices=tuple(Choice) if evaluation else (Choice.RETRY, Choice.FREE),
        challenge_id=challenges.get(evaluation.id) if evaluation else None,
        submission_id=evaluation.submission_id if evaluation else None,
    )


def _of_held(row: Evaluation, challenges: Mapping[str, str]) -> Attention:
    return Attention(
        id=row.id,
        since=row.updated_at,
        step="",
        subject=row.id,
        problem=f"{row.reason}: {row.detail}",
        choices=tuple(Choice),
        challenge_id=challenges.get(row.id),
        submission_id=row.submission_id,
    )


def _of_ended(session: Session, groups: Sequence[Ended]) -> list[Attention]:
    first = queries.troubles(session, [one.trouble for one in groups])
    about = queries.evaluations_by_subject(session, [row.subject for row in first.values()])
    return [
        Attention(
            id=one.trouble,
            since=one.since,
            step=queries.END,
            subject=first[one.trouble].subject,
            problem=first[one.trouble].problem,
            choices=tuple(Choice),
            number=one.number,
            challenge_id=one.challenge_id,
            submission_id=about[first[one.trouble].subject].submission_id,
        )
        for one in groups
    ]


def _of_image(one: SiteImage) -> Attention:
    image = one.image
    again = image.updated_at + AGAIN_AFTER if images.is_tried_again(image) else None
    return Attention(
        id=image.id,
        since=image.updated_at,
        step="build",
        subject=_WHAT[one.use],
        problem=f"{image.reason}: {image.message or image.detail}",
        choices=(Choice.RETRY,),
        challenge_id=one.challenge_id,
        again_at=again,
    )


_WHAT = {
    ImageUse.PROBE: "the image that probes nodes",
    ImageUse.SCORER: "the image of the scorer",
    ImageUse.BASE: "the base image",
}


def _with_names(session: Session, found: Sequence[Attention]) -> list[Attention]:
    names = queries.challenges(session, [one.challenge_id for one in found if one.challenge_id])
    decided = {one.subject: one.choice for one in queries.decided(session)}
    return [
        _with_name(replace(one, decided=decided.get(one.id)), names.get(one.challenge_id or ""))
        for one in found
    ]


def _with_name(one: Attention, challenge: Challenge | None) -> Attention:
    if challenge is None:
        return one
    # An image may be another challenge's as well, and building it changes nothing of this one.
    rests = challenge.state.rests and one.submission_id is not None
    return replace(
        one,
        challenge_slug=challenge.slug,
        challenge=challenge.title,
        choices=() if rests else one.choices,
    )
