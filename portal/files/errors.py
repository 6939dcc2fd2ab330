"""What can be wrong with a file that somebody handed in or a job left behind.

* BadFile         the sentence is for people, ``reason`` is a short code for logs and metrics
  + BadArchive    an upload; the sentence is for its team and says what to do
  + BadOutput     what a run wrote; ``reason`` is one of the failure reasons
  + BadScoreFile  what a scorer wrote; the sentence is for organisers
"""


class BadFile(Exception):  # noqa: N818 - named for what it is about
    """A file that cannot be taken as it is."""

    def __init__(self, reason: str, sentence: str) -> None:
        self.reason = reason
        self.sentence = sentence
        super().__init__(sentence)


class BadArchive(BadFile):
    """An upload that cannot be used."""


class BadOutput(BadFile):
    """An output that cannot be taken in.

    The sentence names no file that the run has chosen the name of: such a name can carry private
    data out.
    """


class BadScoreFile(BadFile):
    """A score file that cannot be taken."""


def damaged() -> BadArchive:
    """Return the error for bytes that do not decode."""
    return BadArchive(
        "damaged",
        "The archive is damaged or incomplete. Pack it again, test it on your side and hand it in"
        " again.",
    )


def shown(name: str) -> str:
    """Quote a name from an archive for a sentence: nothing but printable ASCII, and not long."""
    longest = 100
    quoted = ascii(name)
    return quoted if len(quoted) <= longest else f"{quoted[:longest]}...'"
