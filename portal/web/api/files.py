"""What can be downloaded of a challenge, for programs."""

from urllib.parse import quote

from fastapi import Response

from portal.services.challenges import files as challenge_files
from portal.services.challenges.files import OfferedFile
from portal.web import stored_files
from portal.web.api import models
from portal.web.api.calls import Call, Reading, Slug


def files(call: Reading, slug: Slug) -> models.Files:
    """List what you can download of a challenge; 404 where it offers nothing."""
    found = call.read(challenge_files.files_page, actor=call.actor, slug=slug, now=call.now)
    return models.Files(items=[_item(call, slug, one) for one in found.files])


def file(call: Reading, slug: Slug, name: str) -> Response:
    """Download a file, whole or in ranges."""
    return stored_files.download(call, slug, name)


def _item(call: Call, slug: str, one: OfferedFile) -> models.OfferedFile:
    return models.OfferedFile(
        title=one.title,
        name=one.name if one.is_here else None,
        address=(
            call.url(f"/challenges/{slug}/files/{quote(one.name)}") if one.is_here else one.name
        ),
        size=one.size,
        sha256=one.sha256,
        readers=one.readers,
        fetched=one.fetched,
    )
