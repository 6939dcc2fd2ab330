"""What can be wrong with a file that somebody submitted or a job left behind.

* BadFileError           the sentence is for people, ``reason`` is a short code for logs and metrics
  + BadArchiveError    an upload; the sentence is for its team and says what to do
  + BadOutputError     what a run wrote; ``reason`` is one of the failure reasons
  + BadScoreFileError  what a scorer wrote; the sentence is for organisers
"""


class BadFileError(Exception):
    """A file that cannot be taken as it is."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        self.message = message
        super().__init__(message)


class BadArchiveError(BadFileError):
    """An upload that cannot be used."""


class BadOutputError(BadFileError):
    """An output that cannot be ingested.

    The sentence names no file that the run has chosen the name of: such a name can carry private
    data out.
    """


class BadScoreFileError(BadFileError):
    """A score file that cannot be taken."""


def damaged() -> BadArchiveError:
    """Return the error for bytes that do not decode."""
    return BadArchiveError(
        "damaged",
        "The archive is damaged or incomplete. Pack it again, test it on your side and submit it"
        " again.",
    )


def shown(name: str) -> str:
    """Quote a name from an archive for a sentence: nothing but printable ASCII, and not long."""
    longest = 100
    quoted = ascii(name)
    return quoted if len(quoted) <= longest else f"{quoted[:longest]}...'"
