"""What the API answers, to the last field."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from portal.db.tables import Challenge, Participation, Phase, Team
from portal.domain.accounts.tokens import Scope
from portal.domain.challenges.life import ChallengeState
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState
from portal.domain.permissions import Audience
from portal.domain.teams.membership_rules import ParticipationState
from tests.support import factories
from tests.support.factories import DAY, MINUTE, NOW
from tests.support.web.site import Site

API = "/api/v1"
DIGITS = f"{API}/challenges/digits"
COLUMNS = [
    {"key": "accuracy", "title": "Accuracy", "sort": "desc", "precision": 3, "primary": True,
     "private": False, "unit": None},
    {"key": "macro_f1", "title": "Macro F1", "sort": "desc", "precision": 3, "primary": False,
     "private": False, "unit": None},
    {"key": "brier", "title": "Brier score", "sort": "asc", "precision": 3, "primary": False,
     "private": False, "unit": None},
]  # fmt: skip
BOARDS = [
    {"id": slug, "title": title, "phases": [slug], "rule": "best", "reveal": None, "freeze": None,
     "anonymous_until": None}
    for slug, title in (("warm-up", "Warm-up"), ("dev", "Development"))
]  # fmt: skip
SCORES = {"accuracy": 0.912, "macro_f1": 0.899, "brier": 0.053}


def _read(site: Site, path: str, *, who: str = "ada", scopes: tuple[Scope, ...] = (Scope.READ,)):
    answer = site.program(site.token(getattr(site, who), *scopes)).get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_challenges_are_listed(site: Site) -> None:
    assert _read(site, f"{API}/challenges") == {
        "items": [
            {
                "slug": "digits",
                "title": "Read the digits",
                "status": "open",
                "state": "published",
                "phase": "Development",
                "starts_at": "2026-11-04T10:05:00Z",
                "ends_at": "2027-01-03T10:05:00Z",
                "teams": 2,
            }
        ]
    }


def test_a_challenge_tells_its_phases_and_what_is_left_for_the_own_team(site: Site) -> None:
    told = _read(site, DIGITS)

    phases = {phase.pop("slug"): phase for phase in told.pop("phases")}
    assert told == {
        "slug": "digits",
        "title": "Read the digits",
        "status": "open",
        "state": "published",
        "timezone": "",
        "questions": [],
        "join": {"policy": "open", "state": "none", "team": "Team Ada", "team_size": 4},
        "rule": "best",
        "columns": COLUMNS,
        "boards": BOARDS,
    }
    assert phases["dev"] == {
        "title": "Development",
        "status": "open",
        "starts_at": "2026-11-04T10:05:00Z",
        "ends_at": "2027-01-03T10:05:00Z",
        "kinds": ["image", "code", "results"],
        "per_day": 5,
        "per_week": None,
        "total": 100,
        "running": 1,
        "failed_per_day": None,
        "after": None,
        "late": False,
        "late_until": None,
        "left": {
            "today": 4,
            "week": None,
            "total": 99,
            "failed_today": None,
            "lacks": "",
            "extra": 0,
            "next_at": None,
            "next_in": None,
        },
        "has_leaderboard": True,
    }
    assert [phases[name]["left"] for name in ("warm-up", "final")] == [None, None]
    assert [phases[name]["has_leaderboard"] for name in ("warm-up", "final")] == [True, False]


def test_a_used_up_day_says_when_there_is_room_again(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).per_day = 1
        session.get_one(Phase, site.digits.dev.id).total = None

    [dev] = [phase for phase in _read(site, DIGITS)["phases"] if phase["slug"] == "dev"]

    assert dev["left"] == {
        "today": 0, "week": None, "total": None, "failed_today": None,
        "lacks": "", "extra": 0, "next_at": "2026-11-25T00:00:00Z", "next_in": 50_058,
    }  # fmt: skip


def test_how_far_somebody_is_with_joining(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).join_policy = "approve"
        session.add(
            Participation(
                challenge_id=site.digits.challenge.id, person_id=site.newcomer.id,
                state=ParticipationState.ASKED, note="please", asked_at=NOW,
            )
        )  # fmt: skip

    joins = [_read(site, DIGITS, who=who)["join"] for who in ("newcomer", "eve")]

    assert joins == [
        {"policy": "approve", "state": "asked", "team": None, "team_size": 4},
        {"policy": "approve", "state": "none", "team": "Team Eve", "team_size": 4},
    ]


def test_the_leaderboard_has_the_ranking_and_the_own_place(site: Site) -> None:
    place = {
        "rank": 1,
        "team": "Team Ada",
        "scores": SCORES,
        "achieved_at": "2026-11-24T09:35:00Z",
        "mean_rank": None,
        "rank_before": None,
    }

    ada, eve = (_read(site, f"{DIGITS}/leaderboard", who=who) for who in ("ada", "eve"))

    own = place | {"is_own": True, "is_verified": False, "submission": site.submission_id}
    assert ada == {
        "board": "dev",
        "boards": BOARDS,
        "compare": None,
        "is_frozen": False,
        "is_anonymous": False,
        "phase": "dev",
        "phases": ["warm-up", "dev"],
        "rule": "best",
        "columns": COLUMNS,
        "items": [own],
        "own": own,
        "page": 1,
        "pages": 1,
        "total": 1,
        "next": None,
    }
    assert eve["items"] == [place | {"is_own": False, "is_verified": False, "submission": None}]
    assert eve["own"] is None


def test_lists_lead_from_page_to_page(site: Site) -> None:
    with site.context.database.writing() as session:
        for n in range(60):
            factories.add_ranked(session, site.digits, f"Team {n}", 0.5 + n / 1000)
    path = f"{DIGITS}/leaderboard?phase=dev"

    first = _read(site, path)
    second = _read(site, first["next"])

    assert first["next"] == f"{site.context.site_url}{path}&page=2"
    assert (first["page"], first["pages"], first["total"]) == (1, 2, 61)
    assert (second["page"], second["next"]) == (2, None)
    assert (len(first["items"]), len(second["items"])) == (50, 11)
    assert {p["team"] for p in first["items"]} & {p["team"] for p in second["items"]} == set()


@pytest.mark.parametrize("query", ["phase=final", "phase=nothing", "page=2"])
def test_a_page_or_phase_that_is_not_there_is_not_found(site: Site, query: str) -> None:
    program = site.program(site.token(site.ada, Scope.READ))

    assert program.get(f"{DIGITS}/leaderboard?{query}").status_code == 404


@pytest.mark.parametrize("page", ["0", "-1", "x", "1e3", "1000000", "", "1&page=x"])
def test_what_is_no_page_is_refused_with_its_place(site: Site, page: str) -> None:
    program = site.program(site.token(site.ada, Scope.READ))

    answer = program.get(f"{DIGITS}/leaderboard?page={page}")

    told = answer.json()["error"]
    assert (answer.status_code, told["reason"]) == (422, "invalid")
    assert told["message"].startswith("query.page: Input should be ")


def test_the_token_is_looked_at_before_any_value(site: Site) -> None:
    answer = site.program().get(f"{DIGITS}/leaderboard?page=x")

    assert answer.status_code == 401


def _item(site: Site) -> dict[str, object]:
    return {
        "id": site.submission_id,
        "url": f"http://127.0.0.1:8000{API}/submissions/{site.submission_id}",
        "phase": "dev",
        "kind": "code",
        "smoke": False,
        "state": "scored",
        "scores": SCORES,
        "team": "Team Ada",
        "person": "Ada Vlasák",
        "filename": "ada.zip",
        "size": 48213,
        "sha256": "SHA256",
        "note": "a note of Ada's",
        "answers": {},
        "counts": True,
        "late": False,
        "marks": [],
        "created_at": "2026-11-24T09:35:00Z",
    }


def test_the_list_holds_the_own_teams_submissions(site: Site) -> None:
    ada, eve = (_read(site, f"{DIGITS}/submissions", who=who) for who in ("ada", "eve"))

    [item] = ada.pop("items")
    assert item | {"sha256": "SHA256"} == _item(site)
    assert ada == {"columns": COLUMNS, "page": 1, "pages": 1, "total": 1, "next": None}
    assert (eve["items"], eve["total"]) == ([], 0)


def test_a_submission_tells_its_way_to_the_minute(site: Site) -> None:
    told = _read(site, f"{API}/submissions/{site.submission_id}")

    [evaluation] = told.pop("evaluations")
    assert told | {"sha256": "SHA256"} == _item(site) | {
        "challenge": "digits",
        "is_settled": True,
        "logs": [],
    }
    assert evaluation == {
        "task": "digits",
        "state": "scored",
        "steps": [
            {"title": "Received", "state": "done", "at": "2026-11-24T09:35:00Z"},
            {"title": "Image built", "state": "done", "at": "2026-11-24T09:38:00Z"},
            {"title": "In the queue", "state": "done", "at": "2026-11-24T09:41:00Z"},
            {"title": "Program run", "state": "done", "at": "2026-11-24T09:44:00Z"},
            {"title": "Output scored", "state": "done", "at": "2026-11-24T09:47:00Z"},
            {"title": "Result", "state": "done", "at": "2026-11-24T09:50:00Z"},
        ],
        "queue": None,
        "failure": None,
        "scores": SCORES,
    }


def test_a_failure_is_told_with_its_advice_and_nothing_of_what_is_sealed(site: Site) -> None:
    with site.context.database.writing() as session:
        team = session.query(Team).filter_by(name="Team Eve").one()
        failed = factories.add_submission(
            session, site.digits, team, site.eve, state=EvaluationState.FAILED,
            reason=FailureReason.TIME_LIMIT,
        )  # fmt: skip

    told = _read(site, f"{API}/submissions/{failed.id}", who="eve")

    [evaluation] = told["evaluations"]
    assert evaluation["failure"] == {
        "reason": "time_limit",
        "title": "It ran out of time",
        "advice": (
            "The program was still running when its time was over. The time limit stands on the "
            "page of the challenge."
        ),
        "message": "",
        "counts": True,
    }
    assert (told["state"], told["is_settled"], told["scores"]) == ("failed", True, {})
    assert "slurmstepd" not in str(told)
    page = site.browser(site.eve).get(f"/submissions/{failed.id}").text
    assert "The time limit stands on the page of the challenge. It is 1 hour." in page


def test_a_job_that_waits_says_why(site: Site) -> None:
    with site.context.database.writing() as session:
        team = session.query(Team).filter_by(name="Team Ada").one()
        waits = factories.add_submission(
            session, site.digits, team, site.ada, state=EvaluationState.QUEUED, at=NOW - 9 * MINUTE
        )

    told = _read(site, f"{API}/submissions/{waits.id}")

    [evaluation] = told["evaluations"]
    assert (evaluation["queue"]["queued_at"], evaluation["queue"]["confirmed_at"]) == (
        "2026-11-24T09:57:00Z",
        "2026-11-24T10:05:00Z",
    )
    assert (evaluation["queue"]["position"], evaluation["queue"]["expected_at"]) == (1, None)
    assert evaluation["queue"]["why"] != ""
    assert told["is_settled"] is False


def test_a_phase_without_feedback_tells_the_team_no_scores(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).feedback = "none"

    one = _read(site, f"{API}/submissions/{site.submission_id}")
    listed = _read(site, f"{DIGITS}/submissions")["items"][0]

    assert (one["scores"], one["evaluations"][0]["scores"], listed["scores"]) == ({}, {}, {})


def test_with_the_scope_organise_organisers_see_all_teams_and_private_columns(site: Site) -> None:
    seen = []
    for scopes in ((Scope.READ,), (Scope.READ, Scope.ORGANISE)):
        board = _read(site, f"{DIGITS}/leaderboard", who="organiser", scopes=scopes)
        rows = _read(site, f"{DIGITS}/submissions", who="organiser", scopes=scopes)
        seen.append(
            (
                [column["key"] for column in board["columns"]],
                board["items"][0]["submission"],
                [row["id"] for row in rows["items"]],
                "holdout" in board["items"][0]["scores"],
            )
        )

    public = ["accuracy", "macro_f1", "brier"]
    assert seen == [
        (public, None, [], False),
        ([*public, "holdout"], site.submission_id, [site.submission_id], True),
    ]


def test_drafts_are_there_for_tokens_that_organise_only(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).state = ChallengeState.DRAFT
    answers = []
    for who, scopes in (
        (site.organiser, (Scope.READ,)),
        (site.organiser, (Scope.READ, Scope.ORGANISE)),
        (site.ada, tuple(Scope)),
        (site.staff, tuple(Scope)),
    ):
        program = site.program(site.token(who, *scopes))
        listed = program.get(f"{API}/challenges").json()["items"]
        answers.append((len(listed), program.get(DIGITS).status_code))

    assert answers == [(0, 404), (1, 200), (0, 404), (0, 404)]


def test_a_hidden_leaderboard_is_not_told_of(site: Site) -> None:
    with site.context.database.writing() as session:
        for phase in site.digits.phases.values():
            session.get_one(Phase, phase.id).leaderboard = Audience.HIDDEN

    told = _read(site, DIGITS)
    board = _read(site, f"{DIGITS}/leaderboard")

    assert {phase["has_leaderboard"] for phase in told["phases"]} == {False}
    assert (board["phase"], board["phases"], board["items"]) == (None, [], [])


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/v1/", 404, "not_found"),
        ("GET", "/api/v1/submissions/a%00b", 404, "not_found"),
        ("GET", "/api/v1/challenges/%00/leaderboard?page=x", 404, "not_found"),
        ("GET", "/api/v2/me", 404, "not_found"),
        ("GET", "/api/v1/challenges/nothing", 404, "not_found"),
        ("GET", "/api/v1/submissions/nothing", 404, "not_found"),
        ("POST", "/api/v1/me", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/challenges", 405, "method_not_allowed"),
    ],
)
def test_every_refusal_is_json(
    site: Site, method: str, path: str, status: int, reason: str
) -> None:
    program = site.program(site.token(site.ada, *Scope))

    answer = program.request(method, path)

    assert answer.headers["content-type"] == "application/json"
    assert (answer.status_code, answer.json()["error"]["reason"]) == (status, reason)
    assert answer.json()["error"]["request_id"] != ""


def test_a_fault_is_told_with_the_reference_that_is_in_the_log(site: Site) -> None:
    class Broken:
        def reading(self) -> None:
            raise OperationalError("SELECT secret", {"password": "hunter2"}, Exception("gone"))

    program = site.program(site.token(site.ada, Scope.READ))
    site.change(database=Broken())

    with capture_logs() as log:
        answer = program.get(f"{API}/me")

    assert answer.status_code == 500
    assert sorted(answer.json()["error"]) == ["message", "reason", "request_id"]
    assert answer.json()["error"]["reason"] == "broken"
    assert "hunter2" not in answer.text
    assert [entry["event"] for entry in log].count("request_failed") == 1


def test_answers_are_not_kept(site: Site) -> None:
    answer = site.program(site.token(site.ada, Scope.READ)).get(f"{API}/me")

    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("rows", [1, 3])
def test_a_list_takes_as_many_queries_however_long_it_is(site: Site, rows: int) -> None:
    with site.context.database.writing() as session:
        team = factories.add_team(session, site.digits, "Long list", site.newcomer)
        for n in range(rows):
            factories.add_submission(
                session, site.digits, team, site.newcomer, at=NOW - timedelta(minutes=n)
            )
    program = site.program(site.token(site.newcomer, Scope.READ, lasts=2 * DAY))
    program.get(f"{API}/me")

    with site.counted_queries() as statements:
        answer = program.get(f"{DIGITS}/submissions")

    assert len(answer.json()["items"]) == rows
    # The token, challenge with phases, titles of pages, columns, rows, their evaluations.
    assert len([s for s in statements if s.startswith("SELECT")]) == 5


def test_organisers_see_the_teams_with_their_members(site: Site) -> None:
    program = site.program(site.token(site.organiser, Scope.ORGANISE))

    with site.counted_queries() as statements:
        told = program.get(f"{DIGITS}/teams").json()

    ids = [team.pop("id") for team in told["items"]]
    assert told == {
        "items": [
            {
                "name": "Team Ada",
                "members": [
                    {"id": site.ada.id, "name": "Ada Vlasák", "joined_at": "2026-11-24T10:05:00Z"}
                ],
                "submissions": 1,
                "created_at": "2026-11-24T10:05:00Z",
            },
            {
                "name": "Team Eve",
                "members": [
                    {"id": site.eve.id, "name": "Eve Other", "joined_at": "2026-11-24T10:05:00Z"}
                ],
                "submissions": 0,
                "created_at": "2026-11-24T10:05:00Z",
            },
        ],
        "page": 1,
        "pages": 1,
        "total": 2,
        "next": None,
    }
    assert len(set(ids)) == 2
    # The token twice (its first use is noted), challenge with phases, titles of pages, teams, members.
    assert len([s for s in statements if s.startswith("SELECT")]) == 6


def test_a_team_that_has_merged_into_another_is_not_listed(site: Site) -> None:
    with site.context.database.writing() as session:
        eve = session.query(Team).filter_by(name="Team Eve").one()
        eve.merged_into_id = session.query(Team).filter_by(name="Team Ada").one().id

    told = _read(site, f"{DIGITS}/teams", who="organiser", scopes=(Scope.ORGANISE,))

    assert [team["name"] for team in told["items"]] == ["Team Ada"]
