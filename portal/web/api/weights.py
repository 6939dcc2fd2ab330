"""A team's weights, for programs."""

from dataclasses import asdict

from portal.web.api import models
from portal.web.api.calls import Call
from portal.web.errors import RefusalError
from portal.web.uploads import weights
from portal.web.uploads.submit import SubmissionRejectedError


def listed(call: Call) -> models.WeightsList:
    """List what the team has."""
    found = weights.open_page(call)
    return models.WeightsList(
        items=[models.Weights(**asdict(one)) for one in found.files],
        used=found.used,
        limit=found.limit,
    )


async def upload(call: Call) -> models.Made:
    """Keep the file that is sent."""
    try:
        made = await weights.take(call)
    except SubmissionRejectedError as refusal:
        message = " ".join(refusal.errors.values())
        raise RefusalError(refusal.status, message, refusal.reason) from refusal
    return models.Made(id=made, url=call.url(f"/challenges/{call.path_param('slug')}/weights"))
