"""Programs propose what is in a repository: the same rules as on the pages."""

import yaml

from portal.domain.accounts.tokens import Scope
from portal.domain.challenges.revisions import Origin, RevisionState
from tests.support.web.organised import SETTINGS, Organised

REVISIONS = "/api/v1/challenges/digits/revisions"
ORGANISE = (Scope.READ, Scope.ORGANISE)


def test_a_bundle_is_pushed_looked_at_and_applied(organised: Organised) -> None:
    program = organised.program("organiser", *ORGANISE)
    packed = organised.zipped({SETTINGS: organised.settings(title="Numbers")})

    made = program.post(
        REVISIONS, data={"message": "commit 1a2b"}, files={"file": ("b.zip", packed)}
    )
    found = program.get(f"{REVISIONS}/{made.json()['id']}").json()
    applied = program.post(f"{REVISIONS}/2/state", json={"to": "applied"}).json()
    listed = program.get(REVISIONS).json()

    assert made.status_code == 201
    assert made.headers["location"].endswith(f"{REVISIONS}/2")
    assert (found["state"], found["can_be_applied"], found["needs"]) == ("proposed", True, [])
    assert (found["message"], found["base"], found["changes"]) == ("commit 1a2b", 1, ["title"])
    assert "+title: Numbers" in found["settings"]
    assert (applied["state"], applied["holds"]) == ("applied", True)
    assert [(one["number"], one["holds"]) for one in listed["items"]] == [(2, True), (1, False)]
    assert organised.revisions()[-1].origin is Origin.PROGRAM
    assert organised.challenge().title == "Numbers"


def test_what_runs_waits_for_an_operator(organised: Organised) -> None:
    program = organised.program("owner", *ORGANISE)
    described = organised.described()
    described["tasks"]["digits"]["score"]["argv"] = ["/app/score", "--strict"]
    packed = organised.zipped({SETTINGS: yaml.safe_dump(described)})

    program.post(REVISIONS, files={"file": ("b.zip", packed)})
    refused = program.post(f"{REVISIONS}/2/state", json={"to": "applied"})
    asked = program.post(f"{REVISIONS}/2/state", json={"to": "in_review"})

    assert (refused.status_code, refused.json()["error"]["reason"]) == (422, "not_approved")
    assert asked.json()["state"] == "in_review"
    assert asked.json()["needs"] == ["task digits: score_argv"]
    assert not asked.json()["can_be_applied"]


def test_what_is_wrong_is_said_with_its_place(organised: Organised) -> None:
    program = organised.program("owner", *ORGANISE)
    described = organised.described() | {"titles": "x"}
    packed = organised.zipped({SETTINGS: yaml.safe_dump(described)})

    refused = program.post(REVISIONS, files={"file": ("b.zip", packed)})

    assert refused.status_code == 422
    assert refused.json()["error"]["reason"] == "bad_bundle"
    assert "titles: is not a setting; did you mean 'title'?" in refused.json()["error"]["message"]


def test_an_earlier_one_is_proposed_again_and_dropped(organised: Organised) -> None:
    program = organised.program("owner", *ORGANISE)
    packed = organised.zipped({SETTINGS: organised.settings(title="Numbers")})
    program.post(REVISIONS, files={"file": ("b.zip", packed)})
    program.post(f"{REVISIONS}/2/state", json={"to": "applied"})

    again = program.post(f"{REVISIONS}/1/again")
    dropped = program.post(f"{REVISIONS}/3/state", json={"to": "dropped"})

    assert (again.status_code, again.json()["id"]) == (201, "3")
    assert dropped.json()["state"] == "dropped"
    assert organised.revisions()[-1].state is RevisionState.DROPPED


def test_a_revision_that_there_is_not_is_not_found(organised: Organised) -> None:
    program = organised.program("owner", *ORGANISE)

    answers = [
        program.get(f"{REVISIONS}/9"),
        program.post(f"{REVISIONS}/9/again"),
        program.post(f"{REVISIONS}/9/state", json={"to": "applied"}),
        program.post(f"{REVISIONS}/0/again"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


def test_a_token_without_the_scope_reads_no_body(organised: Organised) -> None:
    program = organised.program("owner", Scope.READ)

    refused = program.post(REVISIONS, files={"file": ("b.zip", b"no zip")})

    assert (refused.status_code, refused.json()["error"]["reason"]) == (403, "insufficient_scope")
