"""Who acts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person on whose behalf something happens; ``person_id`` is None for a visitor."""

    person_id: str | None = None
    name: str = ""
    is_staff: bool = False

    @property
    def is_known(self) -> bool:
        """Whether somebody is logged in."""
        return self.person_id is not None


VISITOR = Actor()
