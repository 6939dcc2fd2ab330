"""The people of a challenge, for organisers: found by name and state, put out and let in again, and as a file."""

from collections.abc import Callable, Iterator

from starlette.responses import Response, StreamingResponse

from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.leaderboards.marks import Mark
from portal.domain.teams.expulsion import MAX_CONTACT_CHARS, MAX_REASON_CHARS
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.teams import expulsion, participation_lists
from portal.services.teams.participation_lists import ListedPerson
from portal.web.errors import status_of
from portal.web.local_paths import with_query
from portal.web.rendering import csv_files
from portal.web.rendering.filters import machine_moment
from portal.web.rendering.labels import LABELS, label
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

MAX_SEARCH_CHARS = 200
COLUMNS = (
    "account", "name", "verified_name", "affiliation", "identity_provider", "login", "status",
    "asked_at", "decided_at", "team", "note",
)  # fmt: skip
"""There is no e-mail address: no page of the portal shows one to organisers."""


def show(request: PageRequest) -> Response:
    """Show the people of the challenge, or those who are looked for."""
    given = request.http.query_params
    words = given.get("q", "")[:MAX_SEARCH_CHARS].replace("\0", "").strip()
    raw = given.get("state", "")
    if raw not in {"", *ParticipationState}:
        raise NotFoundError
    state = ParticipationState(raw) if raw else None
    view = request.read(
        participation_lists.participation_list,
        actor=request.actor,
        slug=request.path_param("slug"),
        state=state,
        words=words,
        page=request.page_number(),
        now=request.now,
    )
    asked = {name: value for name, value in (("q", words), ("state", raw)) if value}
    return request.page(
        "teams/people.html",
        view=view,
        frame=view.frame,
        words=words,
        state=raw,
        states=[("", "Everybody"), *((one, label(one).word) for one in LABELS[ParticipationState])],
        query=with_query("", **asked) + "&" if asked else "?",
        providers=_providers(request),
        longest=MAX_SEARCH_CHARS,
    )


def download(request: PageRequest) -> Response:
    """Send everybody as a table, a part after the other; that it was downloaded is written down first."""
    request.write(
        participation_lists.begin_export,
        actor=request.actor,
        slug=request.path_param("slug"),
        now=request.now,
    )
    name = f"{request.path_param('slug')}-participants.csv"
    return StreamingResponse(
        _lines(request),
        media_type=csv_files.MEDIA_TYPE,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def person(request: PageRequest) -> Response:
    """Show one person, and what putting them out does."""
    return _page(request, Filled())


def remove(request: PageRequest, fields: Fields) -> Response:
    """Put somebody out who may come again."""
    filled = _filled(fields, "reason")

    def act() -> None:
        request.write(
            expulsion.remove,
            actor=request.actor,
            slug=request.path_param("slug"),
            person_id=request.path_param("person"),
            reason=filled.value("reason"),
            now=request.now,
            by_mail=request.context.sends_mail,
        )

    return _act(request, filled, act)


def ban(request: PageRequest, fields: Fields) -> Response:
    """Ban somebody, or change why they are banned."""
    filled = _filled(fields, "ban_reason", "contact", "mark")
    wanted = filled.value("mark")
    if wanted not in {"", *expulsion.MARKS}:
        return _again(request, filled, {"mark": "Choose one of these."})

    def act() -> None:
        request.write(
            expulsion.ban,
            actor=request.actor,
            slug=request.path_param("slug"),
            person_id=request.path_param("person"),
            reason=filled.value("ban_reason"),
            contact=filled.value("contact"),
            mark=Mark(wanted) if wanted else None,
            now=request.now,
            by_mail=request.context.sends_mail,
        )

    return _act(request, filled, act)


def lift(request: PageRequest, fields: Fields) -> Response:
    """Take a ban back."""
    del fields

    def act() -> None:
        request.write(
            expulsion.lift,
            actor=request.actor,
            slug=request.path_param("slug"),
            person_id=request.path_param("person"),
            now=request.now,
        )

    return _act(request, Filled(), act)


def _act(request: PageRequest, filled: Filled, act: Callable[[], None]) -> Response:
    try:
        act()
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        field = refusal.reason
        if field == "reason" and "ban_reason" in filled.values:
            field = "ban_reason"
        known = field if field in filled.values else ""
        return _again(request, filled, {known: refusal.message}, status_of(refusal))
    slug, person_id = request.path_param("slug"), request.path_param("person")
    return request.redirect(f"/challenges/{slug}/participants/{person_id}")


def _filled(fields: Fields, *names: str) -> Filled:
    return Filled(values={name: fields.get(name, "").strip() for name in names})


def _again(
    request: PageRequest, filled: Filled, errors: dict[str, str], status: int = 422
) -> Response:
    return _page(request, Filled(values=filled.values, errors=errors), status)


def _page(request: PageRequest, filled: Filled, status: int = 200) -> Response:
    view = request.read(
        participation_lists.person_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        person_id=request.path_param("person"),
        now=request.now,
    )
    return request.page(
        "teams/person.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        marks=[
            ("", "Leave them as they are"),
            *((one, label(one).word) for one in expulsion.MARKS),
        ],
        providers=_providers(request),
        support=request.context.support,
        longest=MAX_REASON_CHARS,
        longest_contact=MAX_CONTACT_CHARS,
    )


def _providers(request: PageRequest) -> dict[str, str]:
    """Return what the site calls the logins, by their issuers."""
    return {provider.issuer: provider.title for provider in request.context.providers}


def _lines(request: PageRequest) -> Iterator[str]:
    yield csv_files.lines([COLUMNS])
    titles, after = _providers(request), ""
    while rows := request.read(
        participation_lists.next_exported,
        actor=request.actor,
        slug=request.path_param("slug"),
        after=after,
    ):
        yield csv_files.lines(_cells(row, titles) for row in rows)
        after = rows[-1].person_id


def _cells(row: ListedPerson, titles: dict[str, str]) -> list[str]:
    return [
        row.person_id,
        row.name,
        row.login.name,
        "; ".join(row.login.affiliation),
        row.login.identity_provider,
        titles.get(row.login.issuer, row.login.issuer),
        row.state,
        machine_moment(row.asked_at),
        machine_moment(row.decided_at) if row.decided_at else "",
        row.team,
        row.note,
    ]
