"""A team's weights, for programs."""

from dataclasses import asdict

from fastapi import Response

from portal.web.api import models
from portal.web.api.calls import Reading, Slug, Submitting
from portal.web.uploads import weights as uploads


def weights(call: Reading, slug: Slug) -> models.WeightsList:
    """List the weights that your team has uploaded."""
    found = uploads.open_page(call, slug)
    return models.WeightsList(
        items=[models.Weights(**asdict(one)) for one in found.files],
        used=found.used,
        limit=found.limit,
    )


async def upload(call: Submitting, slug: Slug, response: Response) -> models.Made:
    """Upload weights, as `multipart/form-data`. The same file again gives the same id."""
    made = await uploads.take(call, slug)
    return call.made(response, made, f"/challenges/{slug}/weights")
