"""What was announced in a challenge: a page, each announcement by itself, and a feed."""

import hashlib

from starlette.responses import Response

from portal.services.challenges import news
from portal.web.rendering.atom import ATOM, atom_of
from portal.web.request_context import PageRequest
from portal.web.stored_files import is_known


def show(request: PageRequest) -> Response:
    """List the announcements, the newest first."""
    view = request.read(
        news.news_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        page=request.page_number(),
        now=request.now,
    )
    return request.page("challenges/news.html", view=view, frame=view.frame)


def one(request: PageRequest) -> Response:
    """Show one announcement, where mails and feeds lead."""
    view = request.read(
        news.announcement,
        actor=request.actor,
        slug=request.path_param("slug"),
        announcement_id=request.path_param("id"),
        now=request.now,
    )
    return request.page("challenges/announcement.html", view=view, frame=view.frame)


def feed(request: PageRequest) -> Response:
    """Answer with the newest announcements for feed readers, or that nothing has changed.

    It is the same whoever asks: a challenge that not everybody sees has no feed, also for its organisers.
    """
    found = request.read(news.feed, slug=request.path_param("slug"))
    body = atom_of(found, request.context.site_url, request.context.site_name)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # Kept by whoever wants to, and asked about each time: what was taken down is gone at once.
    headers = {"etag": tag, "cache-control": "public, no-cache"}
    if is_known(request.http.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=ATOM, headers=headers)
