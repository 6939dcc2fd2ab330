"""The audit log: a filter that is a plain form, its entries in words, and the same as a file."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from portal.db.queries.audit import Wanted
from portal.domain import permissions
from portal.domain.audit import Group
from portal.domain.errors import NotFoundError
from portal.services.audit import views as audit_views
from portal.web.rendering.labels import word
from portal.web.request_context import PageRequest
from portal.web.uploads.submit_form import Filled

FIELDS = ("who", "what", "challenge", "kind", "id", "from", "to")
KINDS = ("person", "session", "token", "challenge", "submission", "team", "invitation", "merge")
MAX_FILTER_CHARS = 200
YEARS = range(2000, 3000)
NO_DAY = "Write the day as in 2026-12-01."

_NUMBER = re.compile(r"[0-9]{1,9}")


def log(request: PageRequest) -> Response:
    """Show the entries that are asked for, the newest first; the look is written down."""
    if not permissions.may_see_staff_pages(request.actor):
        raise NotFoundError
    filled = filter_of(request)
    wanted = wanted_of(filled)
    view = None
    if wanted is not None:
        view = request.write(
            audit_views.log_page,
            actor=request.actor,
            wanted=wanted,
            page=request.page_number(),
            last=_last(request),
            now=request.now,
        )
    chosen = filled.value("challenge")
    challenges = view.challenges if view else ((chosen, chosen),) if chosen else ()
    return request.page(
        "audit/page.html",
        status=200 if view else 422,
        view=view,
        log=request.context.audit_state(),
        filled=filled,
        query=_query(filled),
        groups=[("", "Everything"), *((group, word(group)) for group in Group)],
        challenges=[("", "Every challenge"), *challenges],
        kinds=[("", "Anything"), *((kind, kind.capitalize()) for kind in KINDS)],
    )


def download(request: PageRequest) -> Response:
    """Send the entries that are asked for, one JSON object a line, the oldest first."""
    wanted = wanted_of(filter_of(request))
    if wanted is None:
        raise NotFoundError
    last = request.write(
        audit_views.begin_download, actor=request.actor, wanted=wanted, now=request.now
    )
    return StreamingResponse(
        _lines(request, wanted, last),
        media_type="application/x-ndjson",
        headers={"content-disposition": 'attachment; filename="audit-log.jsonl"'},
    )


def _lines(request: PageRequest, wanted: Wanted, last: int) -> Iterator[str]:
    after = 0
    while rows := request.read(
        audit_views.next_lines, actor=request.actor, wanted=wanted, after=after, last=last
    ):
        lines = (json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n" for row in rows)
        # A few hundred at once: each part is handed from a thread to the server.
        yield "".join(lines)
        after = rows[-1]["number"]


def filter_of(request: PageRequest, names: Sequence[str] = FIELDS) -> Filled:
    """Return the filter as it was filled in, with what is wrong with it."""
    given = request.http.query_params
    # A database may refuse NUL.
    values = {
        name: given.get(name, "")[:MAX_FILTER_CHARS].replace("\0", "").strip() for name in names
    }
    errors = {
        name: NO_DAY for name in ("from", "to") if values[name] and _day(values[name]) is None
    }
    if values["what"] not in {"", *Group}:
        errors["what"] = "Choose one of these."
    return Filled(values=values, errors=errors)


def wanted_of(filled: Filled) -> Wanted | None:
    """Return what is asked for; None where the filter cannot be read."""
    if filled.errors:
        return None
    what, until = filled.value("what"), _day(filled.value("to"))
    return Wanted(
        who=filled.value("who"),
        what=Group(what) if what else None,
        challenge=filled.value("challenge"),
        kind=filled.value("kind"),
        id=filled.value("id"),
        since=_day(filled.value("from")),
        before=until and until + timedelta(days=1),
    )


def _day(text: str) -> datetime | None:
    try:
        day = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def _last(request: PageRequest) -> int | None:
    """Return which entry was the newest when the first page was looked at."""
    raw = request.http.query_params.get("last", "")
    return int(raw) if _NUMBER.fullmatch(raw) else None


def _query(filled: Filled) -> str:
    given: Mapping[str, str] = {name: value for name, value in filled.values.items() if value}
    return f"?{urlencode(given)}&" if given else "?"
