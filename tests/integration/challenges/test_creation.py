"""A new challenge is made on the web: a draft that its maker owns, and of which nothing runs."""

from collections.abc import Callable
from pathlib import PurePosixPath

import pytest
import yaml
from httpx import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from containers.archives import Entry, write_archive
from portal import bootstrap
from portal.db.tables import AuditEntry, Challenge, Organiser
from portal.domain.accounts.people import Actor
from portal.domain.accounts.tokens import Scope
from portal.domain.audit import Action
from portal.domain.challenges.life import ChallengeState
from portal.domain.challenges.revisions import Origin
from portal.domain.errors import ParticipantError
from portal.domain.permissions import Role
from portal.domain.untrusted import Slug
from portal.files.task_approvals import ApprovalError
from portal.services.challenges import life
from portal.services.challenges.bundles import creation, revisions
from portal.services.challenges.bundles.creation import MAX_UNAPPROVED
from portal.services.challenges.bundles.import_bundle import BundleContent
from portal.services.challenges.bundles.revisions import RevisionContent
from site_config.bundle import settings_of
from tests.support.same_moment import one_while_the_other
from tests.support.web.organised import SETTINGS, Organised

NEW = "/new-challenge"
STATE = "/challenges/cells/state"


def _offer(site: Organised, *slugs: str) -> None:
    """Let the site have data for more challenges, and let everybody make some."""
    resources = site.context.resources
    data = {
        name: type(one)(
            name=one.name, path=one.path, challenges=one.challenges | set(slugs), measure=False
        )
        for name, one in resources.data.items()
    }
    object.__setattr__(resources, "data", data)
    for context in (site.context, site.served):
        object.__setattr__(context, "everybody_creates", True)


def _zip(site: Organised, slug: str = "cells", **values: object) -> bytes:
    described = site.described() | {"slug": slug, "title": slug.capitalize()} | values
    return site.zipped({SETTINGS: yaml.safe_dump(described)})


def _make(site: Organised, packed: bytes, who: str = "member") -> Response:
    return site.browser(who).post(NEW, files={"file": ("bundle.zip", packed)})


def _challenge(site: Organised, slug: str = "cells") -> Challenge | None:
    with site.context.database.reading() as session:
        return session.scalar(select(Challenge).where(Challenge.slug == slug))


def test_a_zip_becomes_a_draft_that_its_maker_owns(organised: Organised) -> None:
    _offer(organised, "cells")

    made = _make(organised, _zip(organised))
    seen = organised.browser("member").get(STATE)
    others = organised.browser("owner").get("/challenges/cells")

    assert (made.status_code, made.headers["location"]) == (303, STATE)
    assert "This challenge is <strong>draft</strong>." in seen.text
    assert "The site has not approved yet" in seen.text
    assert others.status_code == 404
    row = _challenge(organised)
    assert row is not None
    with organised.context.database.reading() as session:
        owners = session.scalars(select(Organiser).where(Organiser.challenge_id == row.id)).all()
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == Action.CHALLENGE_ADDED)
        ).all()[-1]
    assert [(one.person_id, one.role) for one in owners] == [
        (organised.people["member"].id, Role.OWNER)
    ]
    assert entry.actor_id == organised.people["member"].id
    with pytest.raises(ApprovalError, match="nobody approved"):
        bootstrap.approvals_of_site(organised.world.site).get(Slug("cells"))


def test_it_is_published_once_an_operator_has_approved_it(organised: Organised) -> None:
    _offer(organised, "cells")
    _make(organised, _zip(organised))
    browser = organised.browser("member")

    early = browser.post(STATE, data={"to": "published"})
    browser.post(STATE, data={"to": "in_review"})
    staff = organised.browser("staff").get("/staff").text
    row = _challenge(organised)

    assert early.status_code == 422
    assert "Challenges to be approved" in staff
    assert row is not None
    assert row.state is ChallengeState.IN_REVIEW


def test_its_images_are_made_once_it_is_approved(organised: Organised) -> None:
    _offer(organised, "cells")
    other = organised.bundle.parent / "other.tar"
    write_archive([Entry(path="app/score", content=b"x", mode=0o755)], other, architecture="amd64")
    described = organised.described() | {"slug": "cells"}
    world = organised.world
    world.run(5)
    before = len(world.attempts("build"))

    _make(
        organised,
        organised.zipped({SETTINGS: yaml.safe_dump(described), "scorer.tar": other.read_bytes()}),
    )
    world.run(5)
    as_draft = len(world.attempts("build"))
    with world.database.writing() as session:
        life.approved(session, "cells", now=world.clock())
    world.run(5)

    assert (as_draft, len(world.attempts("build"))) == (before, before + 1)


def test_only_staff_makes_them_unless_the_site_says_otherwise(organised: Organised) -> None:
    answers = [
        (organised.browser(who).get(NEW).status_code, _make(organised, b"x", who).status_code)
        for who in ("member", "owner", "staff")
    ]
    home = [NEW in organised.browser(who).get("/").text for who in ("member", "staff")]

    assert answers == [(404, 404), (404, 404), (200, 422)]
    assert home == [False, True]


def test_a_name_that_is_taken_is_refused_and_the_same_twice_is_one(organised: Organised) -> None:
    _offer(organised, "cells")
    first = _make(organised, _zip(organised))
    again = _make(organised, _zip(organised))
    other = _make(organised, _zip(organised), "owner")
    published = _make(organised, organised.zipped())

    assert (first.status_code, again.status_code) == (303, 303)
    assert (other.status_code, published.status_code) == (422, 422)
    assert "Another challenge is called &#39;cells&#39;" in other.text


def test_of_two_with_one_name_at_the_same_moment_one_is_made(organised: Organised) -> None:
    _offer(organised, "cells")
    text = yaml.safe_dump(organised.described() | {"slug": "cells"})
    with organised.context.database.reading() as session:
        files = revisions.content_of(session, revisions.find(session, "digits")).files
    material = BundleContent(
        texts={PurePosixPath("overview.md"): "# Overview"},
        all_of_it=RevisionContent(settings=text, files=files),
    )

    def make(who: str) -> Callable[[Session], str]:
        def act(session: Session) -> str:
            try:
                return creation.create(
                    session,
                    actor=Actor(person_id=organised.people[who].id),
                    described=settings_of(text),
                    material=material,
                    resources=organised.context.resources,
                    everybody=True,
                    now=organised.world.clock(),
                ).slug
            except ParticipantError as refusal:
                return refusal.reason

        return act

    made = one_while_the_other(organised.context.database, make("member"), make("owner"))

    assert made == ["cells", "taken"]


def test_what_is_wrong_is_said_with_its_line_and_nothing_is_made(organised: Organised) -> None:
    _offer(organised)

    answer = _make(organised, _zip(organised))

    assert answer.status_code == 422
    assert (
        "this site has no data &#39;digits-test&#39; for challenge &#39;cells&#39;" in answer.text
    )
    assert _challenge(organised) is None


def test_one_person_has_a_few_that_nobody_has_approved(organised: Organised) -> None:
    slugs = [f"cells-{number}" for number in range(MAX_UNAPPROVED + 1)]
    _offer(organised, *slugs)

    answers = [_make(organised, _zip(organised, slug)).status_code for slug in slugs]

    assert answers == [303] * MAX_UNAPPROVED + [422]


def test_a_program_makes_one(organised: Organised) -> None:
    _offer(organised, "cells")
    program = organised.program("member", Scope.ORGANISE)
    made = program.post("/api/v1/challenges", files={"file": ("b.zip", _zip(organised))})

    assert (made.status_code, made.json()["id"]) == (201, "cells")
    with organised.context.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Challenge)) == 2
    assert organised.revisions()[-1].origin is Origin.PROGRAM
