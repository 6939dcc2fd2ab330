"""The end of what runs wrote, for whoever may look at what is sealed, and for nobody else."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.db.tables import RunLog
from portal.domain.submissions.run_logs import Tail


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """A stream of one attempt."""

    stream: str
    text: str
    truncated: bool


def keep(session: Session, token: str, tails: Mapping[str, Tail]) -> None:
    """Keep the streams of an attempt, by name; keeping them again changes nothing."""
    session.execute(delete(RunLog).where(RunLog.attempt_token == token))
    session.add_all(
        RunLog(attempt_token=token, stream=stream, text=kept.text, truncated=kept.truncated)
        for stream, kept in tails.items()
        if kept.text
    )


def of_attempts(session: Session, tokens: list[str]) -> dict[str, tuple[LogFacts, ...]]:
    """Find the streams of attempts by their tokens, standard output first. One query."""
    rows = session.scalars(
        select(RunLog)
        .where(RunLog.attempt_token.in_(tokens))
        .order_by(RunLog.attempt_token, RunLog.stream.desc())
    )
    found: dict[str, tuple[LogFacts, ...]] = {}
    for row in rows:
        facts = LogFacts(stream=row.stream, text=row.text, truncated=row.truncated)
        found[row.attempt_token] = (*found.get(row.attempt_token, ()), facts)
    return found
