"""What publishing a challenge asks of its dry run, and what it does with its baselines."""

from sqlalchemy.orm import Session

from portal.db.queries.challenges import dry_runs as queries
from portal.db.tables import Challenge
from portal.domain.challenges.dry_runs import ABSENT, OUTDATED, UNFINISHED, WRONG, Verdict
from portal.services.challenges.dry_runs.report import Report, report_of
from portal.services.challenges.dry_runs.subject import subject_of
from portal.services.leaderboards import standings


def lacking(session: Session, challenge: Challenge) -> str:
    """Say why the dry run of a challenge keeps it from being published; empty if nothing does.

    A bundle that names neither baselines nor samples needs none.
    """
    subject = subject_of(session, challenge)
    if not subject.trials:
        return ""
    row = queries.find(session, challenge.id)
    if row is None:
        return ABSENT
    report = report_of(session, challenge, row, subject)
    if not report.is_current:
        return OUTDATED.format(number=row.number)
    if report.verdict is Verdict.PENDING:
        return UNFINISHED.format(number=row.number)
    if report.verdict is Verdict.WRONG:
        return WRONG.format(number=row.number, what=_named(report))
    return ""


def _named(report: Report) -> str:
    names = [row.name for row in report.rows if row.finding.verdict is Verdict.WRONG]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - what fits
    return ", ".join(names[:3]) + more


def show_baselines(session: Session, challenge: Challenge) -> None:
    """Let the board have the baselines of the newest dry run that the bundle wants there, and no others."""
    row = queries.find(session, challenge.id)
    before = queries.standing_trials(session, challenge.id)
    now = [one for one in queries.trials_of(session, row.id) if one.board] if row else []
    for trial in before:
        trial.stands = False
    for trial in now:
        trial.stands = True
    session.flush()
    for submission in {one.submission_id: one.submission for one in (*before, *now)}.values():
        standings.settle_again(session, submission)
