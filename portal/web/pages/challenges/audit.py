"""A challenge's part of the audit log, for its organisers: a filter, the entries in words, and the same as a table."""

from collections.abc import Iterator
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from portal.db.queries.audit import OfChallenge
from portal.domain.audit import GROUPS, ORGANISERS_READ, Group
from portal.domain.errors import NotFoundError
from portal.services.audit import challenge_views
from portal.services.audit.views import EntryFacts
from portal.web.pages import audit as log_filters
from portal.web.rendering import audit_sentences, csv_files
from portal.web.rendering.filters import machine_moment
from portal.web.rendering.labels import word
from portal.web.request_context import PageRequest
from portal.web.uploads.submit_form import Filled

FIELDS = ("who", "what", "from", "to")
COLUMNS = ("at", "who", "account", "action", "what_happened", "more")
SHOWN = tuple(group for group in Group if GROUPS[group] & set(ORGANISERS_READ))


def show(request: PageRequest) -> Response:
    """Show the entries that are asked for, the newest first; the look is written down."""
    filled = log_filters.filter_of(request, FIELDS)
    wanted = _wanted(filled)
    view = request.write(
        challenge_views.log_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        wanted=wanted or OfChallenge(),
        page=request.page_number(),
        now=request.now,
    )
    given = {name: value for name, value in filled.values.items() if value}
    return request.page(
        "challenges/log.html",
        status=200 if wanted else 422,
        view=view,
        frame=view.frame,
        has_rows=wanted is not None,
        filled=filled,
        query=f"?{urlencode(given)}&" if given else "?",
        groups=[("", "Everything"), *((group, word(group)) for group in SHOWN)],
    )


def download(request: PageRequest) -> Response:
    """Send the entries that are asked for as a table, the oldest first."""
    wanted = _wanted(log_filters.filter_of(request, FIELDS))
    if wanted is None:
        raise NotFoundError
    slug = request.path_param("slug")
    request.write(
        challenge_views.begin_download,
        actor=request.actor,
        slug=slug,
        wanted=wanted,
        now=request.now,
    )
    return StreamingResponse(
        _lines(request, wanted),
        media_type=csv_files.MEDIA_TYPE,
        headers={"content-disposition": f'attachment; filename="{slug}-log.csv"'},
    )


def _lines(request: PageRequest, wanted: OfChallenge) -> Iterator[str]:
    yield csv_files.lines([COLUMNS])
    after = 0
    while True:
        rows, after = request.read(
            challenge_views.next_entries,
            actor=request.actor,
            slug=request.path_param("slug"),
            wanted=wanted,
            after=after,
        )
        if not rows:
            return
        yield csv_files.lines(_cells(row) for row in rows)


def _cells(row: EntryFacts) -> list[str]:
    more = ", ".join(f"{name}: {value}" for name, value in audit_sentences.rest(row))
    return [
        machine_moment(row.at),
        row.actor.name if row.actor else str(row.actor_kind),
        row.actor.id if row.actor else "",
        row.action.value,
        "".join(part.text for part in audit_sentences.message(row)),
        more,
    ]


def _wanted(filled: Filled) -> OfChallenge | None:
    """Return what is asked for; None where the filter cannot be read."""
    whole = log_filters.wanted_of(filled)
    if whole is None:
        return None
    return OfChallenge(who=whole.who, what=whole.what, since=whole.since, before=whole.before)
