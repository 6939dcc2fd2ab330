"""Cancel: the argv of scancel and the reading of its answer."""

import re

from scheduler.checks import check_token
from scheduler.errors import UnreachableError
from scheduler.interface import Token
from scheduler.transport import Finished

# The job ended between scancel's look at the queue and its request.
TOO_LATE = re.compile(
    r"already completing or completed|Invalid job id specified|Job has already finished"
)


def scancel_argv(token: Token) -> list[str]:
    """Return the command. By name, never by id: ids come back, names do not."""
    return ["scancel", "--me", f"--name={check_token(token)}"]


def read_scancel(answer: Finished) -> None:
    """Return when the request was taken. Raises ``UnreachableError`` when nobody knows."""
    complaints = answer.stderr.decode(errors="replace").strip().splitlines()
    open_ones = [line for line in complaints if not TOO_LATE.search(line)]
    if open_ones or (answer.returncode != 0 and not complaints):
        raise UnreachableError("; ".join(open_ones)[:1000] or f"exit code {answer.returncode}")
