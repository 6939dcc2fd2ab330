"""Which images wait to be made, who needs them, and who has some being made."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from portal.db.queries.evaluations.work import BATCH
from portal.db.tables import (
    Cancellation,
    Challenge,
    Evaluation,
    Event,
    Image,
    Job,
    Submission,
    Task,
)
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.states import EvaluationState, ImageState

_NEEDS_IT = Evaluation.state.in_((EvaluationState.WAITING, EvaluationState.BUILDING))


class Need(NamedTuple):
    """That somebody needs an image."""

    image: str
    team: str
    person: str
    is_rerun: bool
    """Whether it is the site that needs it, to run something again."""


class WaitingFor(NamedTuple):
    """An evaluation, the image that it waits for, and the image that this one is made on."""

    evaluation: Evaluation
    image: Image
    base: Image | None


def of_the_site(
    session: Session, cluster: str, probe_image_id: str, *, failed_before: datetime
) -> Sequence[Image]:
    """List images that are the probe, a scorer, or a base of an approved challenge or of what waits, and lock them.

    First those that wait, then those that could not be built and have not changed since a moment.
    """
    is_old = and_(Image.state == ImageState.FAILED, Image.updated_at <= failed_before)
    return session.scalars(
        select(Image)
        .where(
            or_(Image.state == ImageState.WAITING, is_old),
            Image.cluster == cluster,
            _is_of_the_site(probe_image_id),
        )
        .order_by(case((Image.state == ImageState.WAITING, 0), else_=1), Image.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()


def _is_of_the_site(probe_image_id: str) -> ColumnElement[bool]:
    above = aliased(Image)
    bases = select(above.base_image_id).where(
        above.base_image_id.is_not(None), above.state == ImageState.WAITING
    )
    return or_(
        Image.id == probe_image_id,
        Image.id.in_(_approved(Task.scorer_image_id)),
        Image.id.in_(_approved(Task.base_image_id)),
        Image.id.in_(bases),
    )


def _approved(image: InstrumentedAttribute[Any]) -> Select[Any]:
    """Select an image of each task of the challenges that were ever approved: those of a draft wait for that."""
    return (
        select(image)
        .join(Challenge, Challenge.id == Task.challenge_id)
        .where(Challenge.approved_at.is_not(None), image.is_not(None))
    )


def needs(session: Session, cluster: str) -> Sequence[Need]:
    """List who needs an image that waits, oldest first; of each team as many as a batch has room for."""
    place = func.row_number().over(partition_by=Submission.team_id, order_by=Evaluation.id)
    ranked = (
        select(
            Evaluation.id,
            Evaluation.image_id,
            Submission.team_id,
            Submission.person_id,
            Evaluation.rerun_of.is_not(None).label("is_rerun"),
            place.label("place"),
        )
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(Image, Image.id == Evaluation.image_id)
        .where(_NEEDS_IT, Image.state == ImageState.WAITING, Image.cluster == cluster)
        .subquery()
    )
    first = (
        select(ranked).order_by(ranked.c.place, ranked.c.id).limit(BATCH).subquery("of_each_team")
    )
    rows = session.execute(
        select(first.c.image_id, first.c.team_id, first.c.person_id, first.c.is_rerun).order_by(
            first.c.id
        )
    )
    return [Need(*row) for row in rows]


def being_made(session: Session) -> Sequence[Need]:
    """List who has caused builds that are open, also where they have cancelled since."""
    caused = or_(
        Evaluation.state == EvaluationState.BUILDING,
        and_(
            Evaluation.state == EvaluationState.CANCELLED, Cancellation.asked_at >= Job.created_at
        ),
    )
    rows = session.execute(
        select(
            Image.id,
            Submission.team_id,
            Submission.person_id,
            Evaluation.rerun_of.is_not(None),
        )
        .join_from(Job, Image, Image.id == Job.image_id)
        .join(Evaluation, Evaluation.image_id == Image.id)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .outerjoin(Cancellation, Cancellation.evaluation_id == Evaluation.id)
        .where(Job.kind == JobKind.BUILD, Job.is_open, caused)
        .distinct()
    )
    return [Need(*row) for row in rows]


def lock_waiting_for(session: Session, images: Collection[str]) -> list[WaitingFor]:
    """Lock those of the images that still wait and the evaluations that need them, but what another has locked."""
    if not images:
        return []
    base = aliased(Image)
    rows = session.execute(
        select(Evaluation, Image, base)
        .join(Image, Image.id == Evaluation.image_id)
        .outerjoin(base, base.id == Image.base_image_id)
        .where(Image.id.in_(images), Image.state == ImageState.WAITING, _NEEDS_IT)
        .order_by(Evaluation.id)
        .execution_options(populate_existing=True)
        .with_for_update(skip_locked=True, of=(Evaluation, Image))
    )
    return [WaitingFor(*row) for row in rows]


def had_one_made(session: Session, evaluations: Sequence[str]) -> set[str]:
    """Return those of the evaluations for which a build was opened."""
    return set(
        session.scalars(
            select(Event.evaluation_id).where(
                Event.evaluation_id.in_(evaluations), Event.state == EvaluationState.BUILDING
            )
        )
    )
