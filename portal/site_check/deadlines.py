"""When a whole check has to be over, whatever it waits for then."""

import math
import time
from dataclasses import dataclass
from datetime import timedelta

from site_config.units import format_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A time limit that has begun. ``ends`` is in seconds of the clock that is never set back."""

    limit: timedelta | None = None
    ends: float = math.inf

    @classmethod
    def begin(cls, limit: timedelta) -> "Deadline":
        """Return the deadline of a time limit that begins now."""
        return cls(limit=limit, ends=time.monotonic() + limit.total_seconds())

    @property
    def seconds(self) -> float:
        """How much is left; 0 where it is over."""
        return max(0.0, self.ends - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.seconds == 0

    def at_most(self, wanted: timedelta) -> timedelta:
        """Return ``wanted``, or what is left where that is less."""
        return timedelta(seconds=min(wanted.total_seconds(), self.seconds))

    @property
    def description(self) -> str:
        """What to say of what was not done, since it is over."""
        limit = format_duration(self.limit) if self.limit else "none"
        return f"the time limit of the whole check, {limit}, was over before (--time-limit)"


NEVER = Deadline()
"""Without a time limit."""
