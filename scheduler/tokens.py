"""What a token may look like, and how many of them one command line can hold."""

import re
from collections.abc import Collection

from scheduler.interface import Token

_TOKEN = re.compile(r"[a-z0-9-]{1,60}", re.ASCII)

# Through SSH the whole command is one argument of the login shell, and Linux allows 128 KiB for that.
_MAX_NAMES_BYTES = 90_000


def check_token(token: Token) -> Token:
    """Return ``token``. Raises ``ValueError`` for one that could not be a job name of ours."""
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"not a token: {token[:80]!r}")
    return token


def name_filter(tokens: Collection[Token]) -> list[str]:
    """Return the option that selects jobs named in ``tokens``, or nothing where they are too many.

    Without it the command lists all jobs of the account, and the reader has to pick.
    """
    names = ",".join(sorted(check_token(token) for token in tokens))
    return [f"--name={names}"] if len(names) <= _MAX_NAMES_BYTES else []
