"""Revisions of a challenge, for programs: what it was, and proposing something else."""

from typing import Annotated, Any

from fastapi import Path, Response

from portal.domain.challenges.revisions import Origin, RevisionState
from portal.services.challenges.bundles import proposals, views
from portal.services.challenges.bundles.views import ListedRevision
from portal.web.api import models
from portal.web.api.calls import MAX_PAGE_NUMBER, Call, Organising, PageNumber, Slug
from portal.web.uploads import bundles

Number = Annotated[int, Path(ge=1, le=MAX_PAGE_NUMBER, description="The revision's.")]


def revisions(call: Organising, slug: Slug, page: PageNumber = 1) -> models.Revisions:
    """List the revisions of a challenge that you work for, those that are proposed among them."""
    found = call.read(views.revision_list, actor=call.actor, slug=slug, page=page, now=call.now)
    return models.Revisions(
        items=[models.RevisionItem(**_item(row, found.held)) for row in found.rows],
        **call.place(found.pages),
    )


def revision(call: Organising, slug: Slug, number: Number) -> models.Revision:
    """Show a revision: how it differs from the one that it was made of, and what applying it does."""
    found = call.read(views.revision_page, actor=call.actor, slug=slug, number=number, now=call.now)
    return models.Revision(
        **_item(found.revision, found.held),
        can_be_applied=found.can_be_applied,
        consequences=list(found.consequences),
        settings=list(found.settings),
        files=[
            models.ChangedFile(
                path=change.path,
                before=change.before.sha256 if change.before else None,
                now=change.now.sha256 if change.now else None,
            )
            for change in found.files
        ],
    )


async def propose(call: Organising, slug: Slug, response: Response) -> models.Made:
    """Propose a zipped bundle, or one file of it, as `multipart/form-data`; nothing of it holds yet.

    The same as the newest proposal again makes no other. What is wrong with it is in the answer, each with its place.
    """
    number = await bundles.take_file(call, slug, origin=Origin.PROGRAM)
    return _made(call, response, slug, number)


async def create(call: Organising, response: Response) -> models.Made:
    """Make a new challenge of a zipped bundle, as `multipart/form-data`: a draft that you own.

    Who may is for the site to say. Nothing of it runs before an operator has approved it.
    """
    slug = await bundles.take_new(call, origin=Origin.PROGRAM)
    return call.made(response, slug, f"/challenges/{slug}")


def step_revision(
    call: Organising, slug: Slug, number: Number, wanted: models.RevisionWanted
) -> models.Revision:
    """Apply a proposal, ask the site to approve it, or drop it. Doing it again changes nothing."""
    to = RevisionState(wanted.to)
    if to is RevisionState.APPLIED:
        bundles.apply(call, slug, number)
    else:
        call.write(proposals.step, actor=call.actor, slug=slug, number=number, to=to, now=call.now)
    return revision(call, slug, number)


def again(call: Organising, slug: Slug, number: Number, response: Response) -> models.Made:
    """Propose what an earlier revision was."""
    made = bundles.take_again(call, slug, number, origin=Origin.PROGRAM)
    return _made(call, response, slug, made)


def _made(call: Call, response: Response, slug: str, number: int) -> models.Made:
    return call.made(response, str(number), f"/challenges/{slug}/revisions/{number}")


def _item(row: ListedRevision, held: int | None) -> dict[str, Any]:
    return {
        "number": row.number,
        "state": row.state,
        "holds": row.number == held,
        "base": row.base_number,
        "message": row.message,
        "changes": list(row.changes),
        "needs": list(row.needs),
        "made_by": row.made_by,
        "made_at": row.made_at,
        "applied_at": row.applied_at,
    }
