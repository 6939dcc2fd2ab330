"""A leaderboard as a file, and how its challenge is cited: what is open as a page is open so, without a token."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse

from portal.domain.errors import NotFoundError
from portal.domain.leaderboards import scores
from portal.domain.leaderboards.scores import Column
from portal.domain.printable import spreadsheet_text
from portal.services.challenges.citation import Citation, citation
from portal.services.leaderboards import views as leaderboard_views
from portal.services.leaderboards.views import Leaderboard, Row
from portal.web.rendering import citations
from portal.web.rendering.filters import machine_moment
from portal.web.request_context import PageRequest

ROWS_AT_ONCE = 1_000
"""So many are read in one go, and are of one moment; a longer board may change between two."""


def as_csv(request: PageRequest) -> Response:
    """Send a board as a table. No name in it is a formula to a spreadsheet."""
    return _file(request, _csv, "csv", "text/csv; charset=utf-8")


def as_json(request: PageRequest) -> Response:
    """Send a board as one JSON object."""
    return _file(request, _json, "json", "application/json")


def as_cff(request: PageRequest) -> Response:
    """Send a citation file of the challenge."""
    return _cited(request, citations.cff, "CITATION.cff", "text/yaml; charset=utf-8")


def as_bibtex(request: PageRequest) -> Response:
    """Send an entry for BibTeX."""
    return _cited(request, citations.bibtex, "citation.bib", "text/x-bibtex; charset=utf-8")


def _file(
    request: PageRequest,
    write: Callable[[PageRequest, Leaderboard], Iterator[str]],
    ending: str,
    media_type: str,
) -> Response:
    # The first part is read before anything is sent: what is not open is answered as such.
    first = _part(request, 1)
    if first.board is None:
        raise NotFoundError
    name = f"{first.frame.slug}-{first.board.slug}.{ending}"
    return StreamingResponse(write(request, first), media_type=media_type, headers=_as_file(name))


def _part(request: PageRequest, number: int) -> Leaderboard:
    return request.read(
        leaderboard_views.leaderboard,
        actor=request.actor,
        slug=request.path_param("slug"),
        board_slug=request.http.query_params.get("board"),
        phase_slug=request.http.query_params.get("phase"),
        page=number,
        size=ROWS_AT_ONCE,
        now=request.now,
    )


def _parts(request: PageRequest, first: Leaderboard) -> Iterator[tuple[Row, ...]]:
    yield first.rows
    for number in range(2, first.pages.pages + 1):
        try:
            yield _part(request, number).rows
        except NotFoundError:
            # It has become shorter meanwhile.
            return


def _csv(request: PageRequest, first: Leaderboard) -> Iterator[str]:
    keys = [column.key for column in first.columns]
    more = _more_of(first)
    yield _lines([["rank", "team", *keys, "submitted_at", "verified", *more]])
    for rows in _parts(request, first):
        yield _lines(
            [
                row.rank or "",
                spreadsheet_text(row.team),
                *(_score(row, column) for column in first.columns),
                machine_moment(row.achieved_at),
                "yes" if row.is_verified else "",
                *("" if getattr(row, name) is None else getattr(row, name) for name in more),
            ]
            for row in rows
        )


def _more_of(board: Leaderboard) -> list[str]:
    """Name what rows of a board have beside, which not every board has."""
    wanted = {
        "mean_rank": bool(board.board and board.board.is_mean_rank and not board.is_own_only),
        "rank_before": board.compared is not None,
    }
    return [name for name, is_there in wanted.items() if is_there]


def _lines(rows: Any) -> str:  # noqa: ANN401 - lists of what a cell may hold
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _score(row: Row, column: Column) -> str:
    if column.key not in row.scores:
        return ""
    return scores.written(row.scores[column.key], column.precision)


def _json(request: PageRequest, first: Leaderboard) -> Iterator[str]:
    head = {
        "challenge": first.frame.slug,
        "title": first.frame.title,
        "board": first.board.slug if first.board else None,
        "phase": first.board.phases[0].slug if first.board else None,
        "phases": [phase.slug for phase in first.board.phases] if first.board else [],
        "rule": first.board.rule if first.board else None,
        "columns": [
            {
                "key": column.key,
                "title": column.title,
                "sort": column.sort,
                "precision": column.precision,
                "primary": column.primary,
            }
            for column in first.columns
        ],
    }
    # The object is closed after its last list, whose items come one part after the other.
    yield json.dumps(head)[:-1] + ', "rows": ['
    before, more = "\n", _more_of(first)
    for rows in _parts(request, first):
        yield before + ",\n".join(json.dumps(_item(row, more)) for row in rows)
        before = ",\n"
    yield "]}\n"


def _item(row: Row, more: Sequence[str]) -> dict[str, Any]:
    return {
        "rank": row.rank,
        "team": row.team,
        "scores": row.scores,
        "submitted_at": machine_moment(row.achieved_at),
        "verified": row.is_verified,
        **{name: getattr(row, name) for name in more},
    }


def _cited(request: PageRequest, write: Callable[..., str], name: str, media_type: str) -> Response:
    work: Citation = request.read(
        citation, actor=request.actor, slug=request.path_param("slug"), now=request.now
    )
    site = request.context
    text = write(work, publisher=site.site_name, address=f"{site.site_url}/challenges/{work.slug}")
    return Response(text, media_type=media_type, headers=_as_file(name))


def _as_file(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}
