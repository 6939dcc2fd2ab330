"""The audit log of a site, looked at whole; and what an operator does where something is wrong with it."""

from dataclasses import dataclass

from portal.bootstrap.secrets import audit_heads_of
from portal.bootstrap.site import Installation, operator
from portal.db import guards
from portal.db.engine import Database
from portal.domain.audit import EMPTY, Action, Head, Subject
from portal.domain.errors import OperatorError
from portal.files.audit_heads import AuditHeads, HeadsError
from portal.services.audit import log as audit_log
from portal.services.audit import results as audit_results
from portal.services.audit.verify import verify
from site_config.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """How far the log is whole, and all that is wrong."""

    head: Head
    problems: tuple[str, ...]


def examine_audit_log(
    database: Database, settings: Site, *, expected: Head | None = None
) -> Examined:
    """Check triggers, chain and recorded heads, and the results that the log has digests of."""
    with database.engine.connect() as connection:
        problems = guards.problems(connection)
    try:
        recorded = list(audit_heads_of(settings).recorded())
    except HeadsError as error:
        problems.append(str(error))
        recorded = []
    with database.reading() as session:
        checked = verify(session, expected=expected, recorded=recorded)
        if checked.problem is not None:
            problems.append(str(checked.problem))
        else:
            problems += audit_results.problems(session)
    return Examined(head=checked.head, problems=tuple(problems))


def accept_audit_log(site: Installation, head: Head) -> Head:
    """Take the log as it is for the right one; return its new head, with the entry that says so.

    Raises ``OperatorError`` where the log is not whole in itself, or does not end with ``head``.
    """
    heads = audit_heads_of(site.settings, signs=True)
    with heads.locked() as mine:
        if not mine:
            raise OperatorError("the worker is recording a head just now: try again")
        with site.database.reading() as session:
            checked = verify(session)
        if checked.problem is not None:
            raise OperatorError(f"{checked.problem}; such a log cannot be accepted")
        if checked.head != head:
            raise OperatorError(f"the log ends with {checked.head}, not with {head}")
        lost = _last_or_empty(heads)
        with site.database.writing() as session:
            audit_log.note(
                session,
                actor=operator(),
                action=Action.LOG_ACCEPTED,
                subject=Subject(kind="audit", id="log"),
                now=site.clock(),
                found=str(head),
                recorded=str(lost),
            )
        with site.database.reading() as session:
            accepted = verify(session).head
        heads.append(accepted, at=site.clock(), accepted=True)
    return accepted


def _last_or_empty(heads: AuditHeads) -> Head:
    try:
        return heads.last() or EMPTY
    except HeadsError:
        return EMPTY


def restore_audit_guards(site: Installation) -> list[str]:
    """Replace the log's triggers; return what was wrong with them.

    Raises ``OperatorError`` where that mends not all of it.
    """
    with site.database.writing() as session:
        connection = session.connection()
        wrong = guards.problems(connection)
        if not wrong:
            return []
        guards.restore(connection)
        if left := guards.problems(connection):
            raise OperatorError(f"this has to be mended in the database itself: {'; '.join(left)}")
        audit_log.note(
            session,
            actor=operator(),
            action=Action.GUARDS_RESTORED,
            subject=Subject(kind="audit", id="log"),
            now=site.clock(),
            problems=len(wrong),
        )
    return wrong
