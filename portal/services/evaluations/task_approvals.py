"""What the database says that a challenge runs, in the form of an operator's approval."""

import json
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Challenge, Column, Image, Phase, PhaseTask, Task
from portal.domain import untrusted
from portal.domain.challenges.task_approvals import (
    Approval,
    ApprovedColumn,
    ApprovedPhase,
    ApprovedTask,
)


def approval_of(session: Session, slug: str) -> Approval:
    """Return what the database says of a challenge; an empty one for what is not there.

    Raises ``UntrustedValueError`` for what could not be approved either.
    """
    here = select(Challenge.id).where(Challenge.slug == slug).scalar_subquery()
    tasks = session.scalars(select(Task).where(Task.challenge_id == here)).all()
    phases = session.scalars(select(Phase).where(Phase.challenge_id == here)).all()
    columns = session.scalars(select(Column).where(Column.challenge_id == here)).all()
    slugs = {task.id: task.slug for task in tasks}
    return Approval(
        tasks={task.slug: _task(session, task) for task in tasks},
        phases={phase.slug: _phase(session, phase) for phase in phases},
        columns={column.key: _column(column, slugs) for column in columns},
    )


def _task(session: Session, task: Task) -> ApprovedTask:
    return ApprovedTask(
        input_data=task.input_data,
        truth_data=task.truth_data,
        sample=task.sample_sha256,
        scorer=_source(session, task.scorer_image_id),
        base=_source(session, task.base_image_id) if task.base_image_id else None,
        predict_profile=task.predict_profile,
        predict_argv=untrusted.argv(task.predict_argv, "tasks.predict_argv"),
        score_profile=task.score_profile,
        score_argv=untrusted.argv(task.score_argv, "tasks.score_argv"),
        required_outputs=untrusted.names(task.required_outputs, "tasks.required_outputs"),
        output_limit=task.output_limit,
        output_files=task.output_files,
    )


def _source(session: Session, image_id: str) -> str:
    image = session.get(Image, image_id)
    return image.source_sha256 if image is not None else ""


def _phase(session: Session, phase: Phase) -> ApprovedPhase:
    tasks = session.scalars(
        select(Task.slug)
        .join(PhaseTask, PhaseTask.task_id == Task.id)
        .where(PhaseTask.phase_id == phase.id)
        .order_by(Task.slug)
    )
    return ApprovedPhase(
        tasks=tuple(tasks),
        kinds=untrusted.names(phase.kinds, "phases.kinds"),
        logs=phase.logs,
        failures=phase.failures.value,
        time_step=phase.time_step,
        hold_results=phase.hold_results,
    )


def _column(column: Column, tasks: Mapping[str, str]) -> ApprovedColumn:
    return ApprovedColumn(
        sort=column.sort.value,
        precision=column.precision,
        minimum=column.minimum,
        maximum=column.maximum,
        is_primary=column.is_primary,
        private=column.private,
        task=tasks.get(column.task_id, "") if column.task_id else None,
        source=column.source,
        formula=json.dumps(column.formula, sort_keys=True) if column.formula else "",
    )
