"""What needs a person: the list, and what staff and organisers decide about it."""

from starlette.responses import Response

from portal.services.attention import decisions
from portal.web.request_context import Fields, PageRequest


def of_challenge(request: PageRequest) -> Response:
    """Show what needs somebody who organises the challenge."""
    view = request.read(
        decisions.of_challenge,
        actor=request.actor,
        slug=request.path_param("slug"),
        now=request.now,
    )
    return request.page("attention/page.html", view=view, frame=view.frame)


def decide(request: PageRequest, fields: Fields) -> Response:
    """Write down what is to be done with one thing; the worker does it."""
    found = request.write(
        decisions.decide,
        actor=request.actor,
        wanted=request.path_param("id"),
        choice=fields.get("choice", ""),
        alike=fields.get("alike") == "yes",
        now=request.now,
    )
    if fields.get("from") == "challenge":
        return request.redirect(f"/challenges/{found.challenge_slug}/attention")
    return request.redirect("/staff")
