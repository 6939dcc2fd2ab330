"""What needs a person: the list, and what staff and organisers decide about it."""

from starlette.responses import Response

from portal.services.attention import decisions
from portal.web.request_context import Fields, Visit


def of_challenge(visit: Visit) -> Response:
    """Show what needs somebody who organises the challenge."""
    view = visit.read(
        decisions.of_challenge, actor=visit.actor, slug=visit.part("slug"), now=visit.now
    )
    return visit.page("attention/page.html", view=view, frame=view.frame)


def decide(visit: Visit, fields: Fields) -> Response:
    """Write down what is to be done with one thing; the worker does it."""
    found = visit.write(
        decisions.decide,
        actor=visit.actor,
        wanted=visit.part("id"),
        choice=fields.get("choice", ""),
        alike=fields.get("alike") == "yes",
        now=visit.now,
    )
    if fields.get("from") == "challenge":
        return visit.to(f"/challenges/{found.challenge_slug}/attention")
    return visit.to("/staff")
