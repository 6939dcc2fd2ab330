"""Which token may do what: every call, with every scope, of everybody who matters."""

from collections.abc import Mapping

import pytest
from sqlalchemy import select

from portal.db.tables import Participation, Phase, Team
from portal.domain.accounts.tokens import Scope
from portal.domain.challenges.revisions import RevisionState
from portal.domain.submissions.admission import Needs
from portal.domain.teams.membership_rules import ParticipationState
from portal.web.local_paths import API
from tests.support import bundles, offered_files
from tests.support.factories import NOW
from tests.support.web.addresses import addresses
from tests.support.web.site import Site

READ, SUBMIT, ORGANISE = Scope.READ, Scope.SUBMIT, Scope.ORGANISE
TOKENS: Mapping[str, tuple[str, tuple[Scope, ...]]] = {
    "ada r": ("ada", (READ,)),
    "ada s": ("ada", (SUBMIT,)),
    "ada o": ("ada", (ORGANISE,)),
    "ada rso": ("ada", (READ, SUBMIT, ORGANISE)),
    "eve rso": ("eve", (READ, SUBMIT, ORGANISE)),
    "oda r": ("organiser", (READ,)),
    "oda o": ("organiser", (ORGANISE,)),
    "oda ro": ("organiser", (READ, ORGANISE)),
    "staff rso": ("staff", (READ, SUBMIT, ORGANISE)),
}
"""Ada has the submission, Eve is on another team, Oda owns the challenge; scopes by first letter."""

DIGITS = "/challenges/{slug}"
PERSON = f"{DIGITS}/participants/{{person}}"
REVISIONS = f"{DIGITS}/revisions"
DRY_RUN = f"{DIGITS}/dry-run"
# The columns are the tokens above.
EXPECTED = {
    ("GET", "/me"): (200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/challenges"): (200, 403, 403, 200, 200, 200, 403, 200, 200),
    ("POST", "/challenges"): (403, 403, 404, 404, 404, 403, 404, 404, 404),
    ("GET", DIGITS): (200, 403, 403, 200, 200, 200, 403, 200, 200),
    ("GET", f"{DIGITS}/announcements"): (200, 403, 403, 200, 200, 200, 403, 200, 200),
    ("GET", f"{DIGITS}/files"): (200, 403, 403, 200, 200, 200, 403, 200, 200),
    ("GET", f"{DIGITS}/files/{{name}}"): (200, 403, 403, 200, 200, 200, 403, 200, 200),
    ("POST", f"{DIGITS}/announcements"): (403, 403, 404, 404, 404, 403, 201, 201, 404),
    ("POST", f"{DIGITS}/state"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("GET", DRY_RUN): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("POST", DRY_RUN): (403, 403, 404, 404, 404, 403, 422, 422, 404),
    ("POST", f"{DRY_RUN}/{{number}}/accept"): (403, 403, 404, 404, 404, 403, 404, 404, 404),
    ("GET", REVISIONS): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("POST", REVISIONS): (403, 403, 404, 404, 404, 403, 201, 201, 404),
    ("GET", f"{REVISIONS}/{{number}}"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("POST", f"{REVISIONS}/{{number}}/state"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("POST", f"{REVISIONS}/{{number}}/again"): (403, 403, 404, 404, 404, 403, 201, 201, 404),
    # It has none: whoever organises it reads what was asked before.
    ("GET", f"{DIGITS}/q-and-a"): (404, 403, 403, 404, 404, 404, 403, 200, 404),
    ("POST", f"{DIGITS}/q-and-a"): (403, 404, 403, 404, 404, 403, 403, 403, 404),
    ("POST", f"{DIGITS}/q-and-a/{{id}}/answer"): (403, 403, 404, 404, 404, 403, 404, 404, 404),
    ("GET", f"{DIGITS}/leaderboard"): (200, 403, 403, 200, 200, 200, 403, 200, 200),
    ("GET", f"{DIGITS}/submissions"): (200, 403, 403, 200, 200, 200, 403, 200, 200),
    ("POST", f"{DIGITS}/submissions"): (403, 201, 403, 201, 201, 403, 403, 403, 201),
    ("GET", f"{DIGITS}/weights"): (200, 403, 403, 200, 200, 200, 403, 200, 200),
    ("POST", f"{DIGITS}/weights"): (403, 201, 403, 201, 201, 403, 403, 403, 201),
    ("POST", f"{DIGITS}/admissions"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("GET", f"{DIGITS}/tries"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("POST", f"{DIGITS}/tries"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("GET", f"{DIGITS}/teams"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("GET", f"{DIGITS}/participants"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("POST", f"{PERSON}/admit"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("POST", f"{PERSON}/decline"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("POST", "/submissions/{id}/answers"): (403, 422, 403, 422, 404, 403, 403, 403, 404),
    # Whoever has only asked is declined, not removed.
    ("POST", f"{PERSON}/remove"): (403, 403, 404, 404, 404, 403, 422, 422, 404),
    ("POST", f"{PERSON}/ban"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("POST", f"{PERSON}/lift-ban"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("POST", "/submissions/{id}/marks"): (403, 403, 404, 404, 404, 403, 200, 200, 404),
    ("POST", "/submissions/{id}/marks/{mark}/remove"): (
        403,
        403,
        404,
        404,
        404,
        403,
        200,
        200,
        404,
    ),
    ("POST", "/submissions/{id}/withdraw"): (403, 200, 403, 200, 404, 403, 403, 403, 404),
    ("POST", "/submissions/{id}/reinstate"): (403, 200, 403, 200, 404, 403, 403, 403, 404),
    # Nothing is chosen for its board.
    ("POST", "/submissions/{id}/pick"): (403, 422, 403, 422, 404, 403, 403, 403, 404),
    ("POST", "/submissions/{id}/unpick"): (403, 422, 403, 422, 404, 403, 403, 403, 404),
    ("GET", "/submissions/{id}"): (200, 403, 403, 200, 404, 404, 403, 200, 404),
}
NEEDED = {
    ("POST", "/challenges"): "organise",
    ("POST", f"{DIGITS}/submissions"): "submit",
    ("POST", f"{DIGITS}/weights"): "submit",
    ("POST", f"{DIGITS}/announcements"): "organise",
    ("POST", f"{DIGITS}/state"): "organise",
    ("POST", f"{DIGITS}/q-and-a"): "submit",
    ("POST", f"{DIGITS}/q-and-a/{{id}}/answer"): "organise",
    ("GET", DRY_RUN): "organise",
    ("POST", DRY_RUN): "organise",
    ("POST", f"{DRY_RUN}/{{number}}/accept"): "organise",
    ("GET", REVISIONS): "organise",
    ("POST", REVISIONS): "organise",
    ("GET", f"{REVISIONS}/{{number}}"): "organise",
    ("POST", f"{REVISIONS}/{{number}}/state"): "organise",
    ("POST", f"{REVISIONS}/{{number}}/again"): "organise",
    ("POST", f"{DIGITS}/admissions"): "organise",
    ("GET", f"{DIGITS}/tries"): "organise",
    ("POST", f"{DIGITS}/tries"): "organise",
    ("GET", f"{DIGITS}/teams"): "organise",
    ("GET", f"{DIGITS}/participants"): "organise",
    ("POST", f"{PERSON}/admit"): "organise",
    ("POST", f"{PERSON}/decline"): "organise",
    ("POST", "/submissions/{id}/answers"): "submit",
    ("POST", f"{PERSON}/remove"): "organise",
    ("POST", f"{PERSON}/ban"): "organise",
    ("POST", f"{PERSON}/lift-ban"): "organise",
    ("POST", "/submissions/{id}/marks"): "organise",
    ("POST", "/submissions/{id}/marks/{mark}/remove"): "organise",
    ("POST", "/submissions/{id}/withdraw"): "submit",
    ("POST", "/submissions/{id}/reinstate"): "submit",
    ("POST", "/submissions/{id}/pick"): "submit",
    ("POST", "/submissions/{id}/unpick"): "submit",
}
"""The scopes of calls that need another one than ``read``."""
FORMS: Mapping[str, Mapping[str, object]] = {
    f"{DIGITS}/announcements": {"json": {"title": "News", "text": "So."}},
    f"{DIGITS}/q-and-a": {"json": {"title": "Why?", "text": "Is it so?"}},
    f"{DIGITS}/q-and-a/{{id}}/answer": {"json": {"answer": "No.", "public": True}},
    DRY_RUN: {"json": {}},
    f"{DRY_RUN}/{{number}}/accept": {"json": {"reason": "It is fair."}},
    f"{DIGITS}/state": {"json": {"to": "closed"}},
    "/submissions/{id}/pick": {"json": {"board": "dev"}},
    "/submissions/{id}/unpick": {"json": {"board": "dev"}},
    "/submissions/{id}/answers": {"json": {"answers": {}}},
    "/submissions/{id}/marks": {"json": {"mark": "hidden", "reason": "Looked into."}},
    "/submissions/{id}/marks/{mark}/remove": {"json": {"reason": "All is well."}},
    f"{PERSON}/remove": {"json": {"reason": "By mistake."}},
    f"{PERSON}/ban": {"json": {"reason": "By mistake."}},
    f"{REVISIONS}/{{number}}/state": {"json": {"to": "dropped"}},
    f"{REVISIONS}/{{number}}/again": {},
    "/challenges": {"files": {"file": ("bundle.zip", b"no zip")}},
    REVISIONS: {
        "data": {"path": "overview.md"}, "files": {"file": ("overview.md", b"# Another")},
    },
}  # fmt: skip
SUBMITTED = {"data": {"phase": "dev", "kind": "results"}, "files": {"file": ("a.csv", b"1,2\n")}}


@pytest.mark.parametrize("call", EXPECTED, ids=" ".join)
def test_a_call_is_open_to_exactly_these_tokens(site: Site, call: tuple[str, str]) -> None:
    method, path = call
    address = API + path.replace("{slug}", "digits").replace("{id}", site.submission_id)
    address = address.replace("{person}", _applicant(site)).replace("{number}", _proposal(site))
    address = address.replace("{mark}", "hidden").replace("{name}", _offer(site))
    sent = FORMS.get(path, SUBMITTED)
    if path == f"{DIGITS}/tries":
        sent = {"json": {"phase": "dev", "team": _team(site), "number": 1, "reason": "So."}}
    if path == f"{DIGITS}/admissions":
        _ask_for_admission(site)
        sent = {"json": {"phase": "dev", "team": _team(site), "admitted": True}}
    answers = []

    for name, scopes in TOKENS.values():
        program = site.program(site.token(getattr(site, name), *scopes))
        answers.append(program.request(method, address, **(sent if method == "POST" else {})))  # type: ignore[arg-type]

    assert tuple(answer.status_code for answer in answers) == EXPECTED[call]
    refused = [answer for answer in answers if answer.status_code == 403]
    assert {answer.json()["error"]["reason"] for answer in refused} <= {"insufficient_scope"}
    assert all(
        f'scope="{NEEDED.get(call, "read")}"' in answer.headers["www-authenticate"]
        for answer in refused
    )


def _ask_for_admission(site: Site) -> None:
    with site.context.database.writing() as session:
        phase = session.get_one(Phase, site.digits.dev.id)
        phase.after_slug, phase.after_needs = "warm-up", Needs.ORGANISERS


def _team(site: Site) -> str:
    with site.context.database.reading() as session:
        return session.scalars(select(Team.id).where(Team.name == "Team Eve")).one()


def _proposal(site: Site) -> str:
    """Let a revision of the challenge be proposed; return its number."""
    bundles.keep(site.context.store.root)
    with site.context.database.writing() as session:
        bundles.add_revision(session, site.digits, 1)
        bundles.add_revision(
            session, site.digits, 2, changed={"title": "Digits"}, state=RevisionState.PROPOSED
        )
    return "2"


def _offer(site: Site) -> str:
    """Let the challenge offer files; return the name of one that is for participants."""
    offered_files.keep(site.context.store.root)
    with site.context.database.writing() as session:
        offered_files.offer(session, site.digits)
    return "hints.txt"


def _applicant(site: Site) -> str:
    """Let the newcomer ask to take part; return who that is."""
    with site.context.database.writing() as session:
        session.add(
            Participation(
                challenge_id=site.digits.challenge.id, person_id=site.newcomer.id,
                state=ParticipationState.ASKED, note="", asked_at=NOW,
            )
        )  # fmt: skip
    return site.newcomer.id


def test_every_call_is_in_the_table() -> None:
    calls = {
        (method, address.path.removeprefix(API))
        for address in addresses()
        if address.is_api
        for method in address.methods
    }

    assert calls - {("GET", "/openapi.json")} == set(EXPECTED)
