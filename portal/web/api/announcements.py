"""What organisers announce, for programs."""

from dataclasses import asdict

from fastapi import Response

from portal.services.challenges import announcements as commands
from portal.services.challenges import news
from portal.web.api import models
from portal.web.api.calls import Organising, PageNumber, Reading, Slug


def announcements(call: Reading, slug: Slug, page: PageNumber = 1) -> models.Announcements:
    """List what was announced in a challenge, the newest first."""
    found = call.read(news.news_page, actor=call.actor, slug=slug, page=page, now=call.now)
    return models.Announcements(
        items=[models.Announcement(**asdict(item)) for item in found.items],
        **call.place(found.pages),
    )


def announce(
    call: Organising, slug: Slug, wanted: models.AnnouncementMade, response: Response
) -> models.Made:
    """Announce something to everybody who sees a challenge that you organise.

    To announce again what was announced last changes nothing, and gives the same id.
    """
    made = call.write(
        commands.announce,
        actor=call.actor,
        slug=slug,
        title=wanted.title,
        text=wanted.text,
        now=call.now,
        by_mail=call.context.sends_mail,
    )
    return call.made(response, made, f"/challenges/{slug}/announcements")
