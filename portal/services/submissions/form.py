"""What the form for submitting offers: the phases that are open, and what is left of their limits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.domain.accounts.people import Actor
from portal.domain.challenges.calendar import PhaseStatus
from portal.domain.challenges.profiles import Resources
from portal.domain.submissions.limits import Limits, Room
from portal.domain.submissions.questions import Question
from portal.services.challenges import access
from portal.services.challenges.context import Frame, PhaseFacts, Visible, look_up
from portal.services.site.gpu_budgets import Budget, own_budgets
from portal.services.submissions import extra_tries, prerequisites
from portal.services.submissions.extra_tries import GivenTries
from portal.services.submissions.questions.answers import questions_of
from portal.services.submissions.quota import offers_smoke, quota_left
from portal.services.submissions.submit import tasks_of
from portal.services.submissions.weights import WeightsFacts, offered
from portal.services.teams import joining


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseChoice:
    """A phase that can be submitted to, and what is left of its limits."""

    phase: PhaseFacts
    limits: Limits
    room: Room
    wait: timedelta | None
    """How long it is until there is room again, if there is none now and will be."""
    lacks: str
    """What the team lacks to submit to it at all; empty for nothing."""
    extra: tuple[GivenTries, ...]
    """What organisers gave the team beside the limits."""
    has_sample: bool
    """Whether a program can be tried on the public sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitForm:
    """What the form offers."""

    frame: Frame
    choices: tuple[PhaseChoice, ...]
    budgets: tuple[Budget, ...]
    """GPU-hours that what is submitted counts against."""
    questions: tuple[Question, ...]
    weights: tuple[WeightsFacts, ...]
    """What the team can have its program run with."""


def submit_form(
    session: Session, *, actor: Actor, slug: str, resources: Resources, now: datetime
) -> SubmitForm:
    """Return what can be submitted now, and how often."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not visible.frame.may_submit or actor.person_id is None:
        raise access.not_now(visible.relation, "submit something")
    if visible.frame.must_join:
        raise joining.not_yet(visible.frame.participation)
    return SubmitForm(
        frame=visible.frame,
        choices=choices(session, visible, actor.person_id, now=now),
        budgets=own_budgets(
            session, challenge=visible.challenge, team_id=visible.team_id, resources=resources
        ),
        questions=questions_of(visible.challenge),
        weights=offered(session, visible.challenge.id, actor),
    )


def choices(
    session: Session, visible: Visible, person_id: str, *, now: datetime
) -> tuple[PhaseChoice, ...]:
    """Return the phases that are open, with what the person's team has used of each."""
    given = extra_tries.of_team(session, visible.team_id)
    found = []
    for facts, phase in zip(visible.frame.phases, visible.challenge.phases, strict=True):
        if facts.status is PhaseStatus.OPEN or facts.is_late:
            left = quota_left(session, person_id=person_id, phase=phase, now=now)
            sample = offers_smoke(phase, tasks_of(session, phase))
            found.append(
                PhaseChoice(
                    phase=facts,
                    limits=left.limits,
                    room=left.room,
                    lacks=prerequisites.lacking(session, phase, visible.team_id, now=now),
                    extra=tuple(one for one in given if one.phase_slug == facts.slug),
                    wait=left.room.next_at - now if left.room.next_at else None,
                    has_sample=sample,
                )
            )
    return tuple(found)
