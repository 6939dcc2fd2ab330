"""What the database says that a challenge runs, in the form of an operator's order."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge, Image, Task
from portal.files.orders import TaskOrder


def orders_of(session: Session, slug: str) -> dict[str, TaskOrder]:
    """Return what each task of a challenge mounts and runs; nothing for one that is not there."""
    tasks = session.scalars(
        select(Task)
        .join(Challenge, Task.challenge_id == Challenge.id)
        .where(Challenge.slug == slug)
    )
    return {task.slug: order_of(session, task) for task in tasks}


def order_of(session: Session, task: Task) -> TaskOrder:
    """Return what one task mounts and runs."""
    return TaskOrder(
        input_data=task.input_data,
        truth_data=task.truth_data,
        scorer=session.get_one(Image, task.scorer_image_id).source_sha256,
        base=session.get_one(Image, task.base_image_id).source_sha256
        if task.base_image_id
        else None,
        predict_profile=task.predict_profile,
        predict_argv=tuple(task.predict_argv),
        score_profile=task.score_profile,
        score_argv=tuple(task.score_argv),
    )
