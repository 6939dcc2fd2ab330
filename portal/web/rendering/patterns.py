"""Samples for the page that shows every control; no name in them is anybody's."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from portal.domain.audit import Head
from portal.domain.challenges.calendar import PhaseStatus
from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.evaluations.shares import Spent
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards.marks import Mark
from portal.domain.leaderboards.scores import Column
from portal.domain.pagination import Slice
from portal.domain.submissions.limits import SubmissionKind
from portal.domain.submissions.questions import Question, QuestionType
from portal.domain.submissions.timeline import Happened, steps
from portal.files.audit_heads import LogState
from portal.services.leaderboards.views import Row
from portal.services.site.gpu_budgets import Budget
from portal.services.submissions.questions.answers import facts
from portal.services.submissions.run_logs import LogFacts
from portal.web.rendering.bars import budget_bars
from portal.web.rendering.plots import rank_plot
from portal.web.rendering.shake_ups import shake_up_plot
from portal.web.uploads.submit_form import MESSAGES, Filled

E = EvaluationState
QUESTION = Question(
    key="report", title="Report", type=QuestionType.URL, help="A pre-print.", on_board=True
)
BUDGETS = (
    Budget(title="Team 1", spent=Spent(used=12.5, reserved=3.0), limit=20.0),
    Budget(title="Team 2", spent=Spent(used=4.0), limit=20.0),
)


def samples(now: datetime) -> Mapping[str, object]:
    """Return a value for everything that the pattern page shows."""
    column = Column(key="f1", title="F1", primary=True, minimum=0, maximum=1)
    return {
        "statuses": tuple(PhaseStatus),
        "states": tuple(EvaluationState),
        "marks": tuple(Mark),
        "kinds": tuple(SubmissionKind),
        "failure": FAILURES[FailureReason.TIME_LIMIT],
        "ways": tuple(_way(state, now) for state in (E.RUNNING, E.SCORED, E.FAILED, E.HELD)),
        "filled": Filled(values={"note": "A note"}, errors=MESSAGES),
        "nothing_wrong": Filled(),
        "options": (("one", "The first"), ("two", "The second")),
        "plot": rank_plot([_row(n, now) for n in range(12)], column),
        "shake_up": shake_up_plot(
            [replace(_row(n, now), rank_before=(5 * n) % 12 + 1) for n in range(12)]
        ),
        "budgets": BUDGETS,
        "bars": budget_bars(BUDGETS),
        "audit_logs": tuple(
            LogState(at=now, head=Head(number=12, sha256="0" * 64), problem=problem)
            for problem in (None, "Entry 7 is missing")
        ),
        "logs": (
            LogFacts(
                stream="stdout", text="epoch 1: loss 0.7\nepoch 2: loss 0.4\n", truncated=True
            ),
        ),
        "question": QUESTION,
        "answer": facts((QUESTION,), {"report": "https://example.org/report"})[0],
        "pages": Slice(number=3, total=400),
    }


def _way(state: EvaluationState, now: datetime) -> tuple[EvaluationState, object]:
    passed = (E.WAITING, E.BUILDING, E.QUEUED, E.RUNNING)
    began = now - timedelta(minutes=10 * len(passed))
    happened = [
        Happened(state=stop, at=began + timedelta(minutes=10 * n)) for n, stop in enumerate(passed)
    ]
    return state, steps(SubmissionKind.CODE, state, happened)


def _row(place: int, now: datetime) -> Row:
    return Row(
        position=place + 1,
        rank=place + 1,
        team=f"Team {place + 1}",
        scores={"f1": 0.95 - 0.03 * place},
        achieved_at=now,
        is_own=place == 3,  # noqa: PLR2004
        submission_id=None,
    )
