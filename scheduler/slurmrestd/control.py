"""Cancel and ask for a sign of life through slurmrestd: the reading of its answers."""

from collections.abc import Iterator, Mapping

from scheduler.commands.scancel import TOO_LATE
from scheduler.errors import UnexpectedAnswerError, UnreachableError
from scheduler.slurmrestd.answer import Answer


def read_cancellation(answer: Answer) -> None:
    """Return when the request was taken, or came after the end. Raises ``UnreachableError`` otherwise."""
    complaints = [*answer.errors, *_per_job(answer)]
    open_ones = [complaint for complaint in complaints if not TOO_LATE.search(complaint)]
    if open_ones or not (answer.is_ok or complaints):
        said = "; ".join(open_ones)[:1000]
        raise UnreachableError(f"slurmrestd answered {answer.status}: {said}")


def _per_job(answer: Answer) -> Iterator[str]:
    """Yield what went wrong with single jobs; newer releases list it apart."""
    statuses = answer.document.get("status", [])
    for status in statuses if isinstance(statuses, list) else [statuses]:
        error = status.get("error") if isinstance(status, Mapping) else None
        if not isinstance(error, Mapping):
            yield f"an answer that is not understood: {str(status)[:200]}"
        elif error.get("code") != 0:
            yield str(error.get("string") or error)[:1000]


def read_ping(answer: Answer) -> str:
    """Return the release. Raises ``UnreachableError`` where no controller responds."""
    answer.expect_success()
    pings = answer.document.get("pings")
    if not isinstance(pings, list) or not any(_responds(ping) for ping in pings):
        raise UnreachableError(f"no controller responds: {str(pings)[:300]}")
    release = answer.about.get("release")
    if not isinstance(release, str) or not release:
        raise UnexpectedAnswerError("slurmrestd does not say of which release it is")
    return release


def _responds(ping: object) -> bool:
    if not isinstance(ping, Mapping):
        return False
    if "responding" in ping:
        return ping["responding"] is True
    # Before 24.11 there is a word instead, under one of two names.
    return "UP" in {str(ping.get("ping")), str(ping.get("pinged"))}
