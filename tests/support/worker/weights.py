"""Weights that a team has uploaded."""

import io
import zipfile

from portal.domain.accounts.people import Actor
from portal.files.archives.weights import is_unpacked
from portal.services.submissions import weights
from portal.services.submissions.submit import Upload
from tests.support.worker.world import World


def upload(world: World, filename: str, content: bytes) -> str:
    with world.site.store.incoming() as incoming:
        incoming.write(content)
        stored = incoming.commit()
    with world.database.writing() as session:
        return weights.keep(
            session,
            actor=Actor(person_id=world.person, name="Ada"),
            slug="digits",
            upload=Upload(sha256=stored.sha256, size=stored.size),
            filename=filename,
            unpacked=is_unpacked(world.site.store.path(stored.sha256), filename),
            limit=10**6,
            now=world.clock(),
        )


def packed(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.bin", text)
    return content.getvalue()
