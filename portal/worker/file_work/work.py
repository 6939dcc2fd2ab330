"""Work on files: a pass asks for what it needs of them, and comes back for it, so that it waits for no bytes.

``done`` gives what was made, or says ``FileWorkPendingError``. A step that meets this leaves its subject for this pass, and
goes through it from its beginning in the next one; so everything before is repeatable, as it has to be anyway.
"""

from collections.abc import Callable, Collection
from typing import Protocol, TypeVar

from portal.domain.evaluations.file_parts import Part
from portal.services.evaluations.file_pieces import Piece

Made = TypeVar("Made")


class FileWorkPendingError(Exception):
    """It is under way, or waits for its turn."""


class FileWork(Protocol):
    """Does such work. A subject is what a step goes through one by one: mostly the token of an attempt."""

    def done(
        self, subject: str, part: Part, work: Callable[[], Made], *, size: int = 0, alone: str = ""
    ) -> Made:
        """Return what ``work`` made or raise what it raised, as often as asked until it is forgotten.

        ``size`` is about how many bytes it has to do with. ``alone`` names what it makes that others need as
        well: who names the same has its turn after it, and finds it there. Raises ``FileWorkPendingError`` while it is not done, and
        ``FileTimeoutError`` where it took too long.
        """

    def made(self, subject: str, part: Part) -> object:
        """Return what was made, if it is there; None where it is not, and nothing is begun."""

    def is_busy(self, subject: str) -> bool:
        """Whether something of the subject is under way, so that to ask is in vain."""

    def forget(self, subject: str) -> None:
        """Forget what was made for a subject: whoever asks again has it made anew."""

    def only(self, subjects: Collection[str], *parts: Part) -> None:
        """Forget these parts of all other subjects, and stop what of them is under way."""

    def under_way(self) -> list[Piece]:
        """List what is under way, oldest first."""

    def has_news(self) -> bool:
        """Whether anything has come to an end since ``look_up``."""

    def look_up(self) -> None:
        """Begin what waits, as far as there are places; from now on what comes to an end is news."""

    def close(self) -> None:
        """Stop everything; what was not done is asked for again by whoever works next."""


class AtOnce:
    """Does everything at once, where it is asked for: nothing is ever under way."""

    def done(
        self,
        subject: str,  # noqa: ARG002 - as the others have it
        part: Part,  # noqa: ARG002
        work: Callable[[], Made],
        *,
        size: int = 0,  # noqa: ARG002
        alone: str = "",  # noqa: ARG002
    ) -> Made:
        """Do it."""
        return work()

    def made(self, subject: str, part: Part) -> object:  # noqa: ARG002 - as the others have it
        """Nothing is remembered."""
        return None

    def is_busy(self, subject: str) -> bool:  # noqa: ARG002 - as the others have it
        """Nothing is."""
        return False

    def forget(self, subject: str) -> None:
        """Nothing is remembered."""

    def only(self, subjects: Collection[str], *parts: Part) -> None:
        """Nothing is remembered."""

    def under_way(self) -> list[Piece]:
        """Nothing is."""
        return []

    def has_news(self) -> bool:
        """There are none."""
        return False

    def look_up(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is under way."""
