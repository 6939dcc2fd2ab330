"""Pages that look the same to everybody who is not logged in, kept until something that they show changes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_PAGES = 256
"""Pages that are kept; of more, those go that nobody has asked for longest."""
MAX_AGE = timedelta(minutes=1)
"""After this a page is put together anew in any case."""


@dataclass(frozen=True, slots=True)
class CachedPage:
    """A page of one revision."""

    revision: int
    until: datetime
    body: bytes


class PageCache:
    """The pages of one process; its threads share them."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Hashable, CachedPage] = OrderedDict()
        self._lock = threading.Lock()

    def page(
        self,
        key: Hashable,
        revision: int,
        now: datetime,
        make: Callable[[], tuple[bytes, datetime | None]],
    ) -> bytes:
        """Return a page as it is in a revision; ``make`` puts it together and says until when it is right at most.

        The revision is read before the page is made: what changes meanwhile makes it an older page sooner, never later.
        """
        with self._lock:
            kept = self._pages.get(key)
            if kept is not None and kept.revision == revision and now < kept.until:
                self._pages.move_to_end(key)
                return kept.body
        body, changes_at = make()
        until = min(now + MAX_AGE, changes_at or now + MAX_AGE)
        with self._lock:
            self._pages[key] = CachedPage(revision, until, body)
            self._pages.move_to_end(key)
            while len(self._pages) > MAX_PAGES:
                self._pages.popitem(last=False)
        return body
