"""Who works for a challenge: the list, and the form in two steps that adds to it."""

from starlette.responses import Response

from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.permissions import Role
from portal.services.challenges import roles
from portal.services.challenges.roles import Candidate
from portal.web.request_context import Fields, Visit
from portal.web.uploads.submit_form import Filled

LONGEST_NUMBER = 40


def show(visit: Visit) -> Response:
    """Show who works for the challenge."""
    return _page(visit, Filled())


def give(visit: Visit, fields: Fields) -> Response:
    """Give a role. The first time, the form comes back with the name, to be confirmed."""
    filled = Filled(
        values={"person": fields.get("person", "").strip(), "role": fields.get("role", "")}
    )
    if filled.value("role") not in set(Role):
        return _again(visit, filled, "role", "Choose what the person is to do.")
    role = Role(filled.value("role"))
    try:
        if fields.get("sure") != "yes":
            return _page(visit, filled, candidate=_candidate(visit, filled, role))
        visit.write(
            roles.give,
            actor=visit.actor,
            slug=visit.part("slug"),
            person_id=filled.value("person"),
            role=role,
            now=visit.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _again(visit, filled, "person", refusal.sentence)
    return visit.to(_address(visit))


def take(visit: Visit, fields: Fields) -> Response:
    """Take a role away, or step down."""
    del fields
    person_id = visit.part("person")
    try:
        visit.write(
            roles.take,
            actor=visit.actor,
            slug=visit.part("slug"),
            person_id=person_id,
            now=visit.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _again(visit, Filled(), "", refusal.sentence)
    # Whoever has stepped down may not see the list any more.
    gone = person_id == visit.actor.person_id and not visit.actor.is_staff
    return visit.to(f"/challenges/{visit.part('slug')}" if gone else _address(visit))


def _candidate(visit: Visit, filled: Filled, role: Role) -> Candidate:
    return visit.read(
        roles.candidate,
        actor=visit.actor,
        slug=visit.part("slug"),
        person_id=filled.value("person"),
        role=role,
    )


def _again(visit: Visit, filled: Filled, field: str, sentence: str) -> Response:
    return _page(visit, Filled(values=filled.values, errors={field: sentence}), status=422)


def _page(
    visit: Visit, filled: Filled, *, candidate: Candidate | None = None, status: int = 200
) -> Response:
    view = visit.read(roles.roles_page, actor=visit.actor, slug=visit.part("slug"), now=visit.now)
    return visit.page(
        "challenges/roles.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        candidate=candidate,
        roles=tuple(Role),
        longest=LONGEST_NUMBER,
    )


def _address(visit: Visit) -> str:
    return f"/challenges/{visit.part('slug')}/roles"
