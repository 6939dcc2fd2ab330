"""What staff and owners do is written down once each: who did what, to whom, from where."""

from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from portal.db.tables import AuditEntry, LoginSession, Person
from portal.domain.audit import Action
from portal.domain.permissions import Role
from tests.support import factories
from tests.support.factories import NOW
from tests.support.web.addresses import addresses
from tests.support.web.site import Site

OURS = ("/staff", "/challenges/{slug}/roles")


@dataclass(frozen=True, kw_only=True)
class Act:
    """A form that works, and what is to be written down of it. ``ADA`` and such stand for ids."""

    who: str = "staff"
    form: dict[str, str] = field(default_factory=dict)
    action: Action
    subject: tuple[str, str] = ("person", "ADA")
    of_challenge: bool = False
    detail: dict[str, object]


ACTS = {
    "/challenges/{slug}/roles": Act(
        who="organiser",
        form={"person": "ADA", "role": "reviewer", "sure": "yes"},
        action=Action.ROLE_GIVEN,
        of_challenge=True,
        detail={"role": "reviewer", "before": None},
    ),
    "/challenges/{slug}/roles/{person}/remove": Act(
        who="organiser",
        action=Action.ROLE_TAKEN,
        subject=("person", "REVIEWER"),
        of_challenge=True,
        detail={"role": "reviewer"},
    ),
    "/staff/people/{id}/sessions/end-all": Act(
        action=Action.SESSIONS_ENDED, detail={"sessions": 1}
    ),
    "/staff/people/{id}/sessions/{session}/end": Act(
        action=Action.SESSION_ENDED, subject=("session", "SESSION"), detail={"person": "ADA"}
    ),
    "/staff/people/{id}/block": Act(
        form={"reason": "misuse"},
        action=Action.PERSON_BLOCKED,
        detail={"reason": "misuse", "sessions": 1},
    ),
    "/staff/people/{id}/unblock": Act(
        action=Action.PERSON_UNBLOCKED, subject=("person", "EVE"), detail={}
    ),
}


def test_every_form_of_staff_and_owners_is_in_the_table_above() -> None:
    forms = {address.path for address in addresses() if "POST" in address.methods}

    # Invitations have ids of their own, and tests: tests/integration/challenges/test_role_invitations.py.
    ours = {path for path in forms if path.startswith(OURS) and "/invitations" not in path}
    assert ours == set(ACTS)


@pytest.mark.parametrize("path", ACTS)
def test_each_is_written_down_once(site: Site, path: str) -> None:
    act = ACTS[path]
    with site.context.database.writing() as session:
        session.get_one(Person, site.eve.id).blocked_at = NOW
        factories.add_organiser(session, site.digits, site.newcomer, Role.REVIEWER)
    site.browser(site.ada)
    with site.context.database.reading() as session:
        browser_id = session.scalars(
            select(LoginSession.id).where(LoginSession.person_id == site.ada.id)
        ).one()
    ids = {
        "ADA": site.ada.id, "EVE": site.eve.id, "REVIEWER": site.newcomer.id, "SESSION": browser_id,
    }  # fmt: skip
    kind, subject = act.subject
    address = path.replace("{slug}", "digits").replace("{session}", browser_id)
    for part in ("{id}", "{person}"):
        address = address.replace(part, ids["ADA"] if kind == "session" else ids[subject])

    form = {name: ids.get(value, value) for name, value in act.form.items()}
    answer = site.browser(getattr(site, act.who)).post(address, data=form)

    assert answer.status_code == 303
    with site.context.database.reading() as session:
        [entry] = session.scalars(select(AuditEntry))
    assert (entry.action, entry.actor_kind, entry.actor_id, entry.origin) == (
        act.action, "browser", getattr(site, act.who).id, "testclient",
    )  # fmt: skip
    assert (entry.subject_kind, entry.subject_id) == (kind, ids[subject])
    assert entry.challenge_id == (site.digits.challenge.id if act.of_challenge else None)
    assert entry.detail == {name: ids.get(str(v), v) for name, v in act.detail.items()}
    assert entry.at == NOW
