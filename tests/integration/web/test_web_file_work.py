"""What workers are doing with files: how far it is, for the team whose file it is and for staff."""

from datetime import timedelta

from sqlalchemy import select

from portal.db.tables import Attempt, Evaluation, Job, Submission, Team
from portal.domain.evaluations.file_parts import Part
from portal.domain.evaluations.states import AttemptState, EvaluationState
from portal.services.evaluations import file_pieces
from portal.services.evaluations.file_pieces import Piece
from tests.support import factories
from tests.support.factories import NOW
from tests.support.web.site import Site

MIB = 1024**2


def _say(site: Site, **pieces: tuple[Part, int]) -> None:
    with site.context.database.writing() as session:
        file_pieces.say(
            session,
            "main",
            [
                Piece(
                    subject=subject.replace("_", "-"),
                    part=part,
                    is_begun=size > 0,
                    size=size,
                    since=NOW - timedelta(minutes=3),
                )
                for subject, (part, size) in pieces.items()
            ],
            now=NOW,
        )


def _unsent(site: Site) -> tuple[str, str]:
    """Let a submission of Ada's team be made ready; return its id and its attempt's token."""
    with site.context.database.writing() as session:
        team = session.get_one(Team, session.get_one(Submission, site.submission_id).team_id)
        submission = factories.add_submission(
            session, site.digits, team, site.ada, state=EvaluationState.QUEUED, filename="large.tar"
        )
        attempt = session.scalars(
            select(Attempt)
            .join(Job, Job.id == Attempt.job_id)
            .join(Evaluation, Evaluation.id == Job.evaluation_id)
            .where(Evaluation.submission_id == submission.id)
        ).one()
        attempt.state, attempt.token = AttemptState.CREATED, "sr-unsent"
        return submission.id, attempt.token


def test_a_team_sees_how_far_its_file_was_gone_through(site: Site) -> None:
    submission, _ = _unsent(site)
    page = f"/submissions/{submission}"
    message = "made ready here, 700 MiB so far"
    browser = site.browser(site.ada)
    assert message not in " ".join(browser.get(page).text.split())
    _say(site, sr_unsent=(Part.PREPARE, 700 * MIB))
    assert message in " ".join(browser.get(page).text.split())
    _say(site, sr_unsent=(Part.TAKE, 700 * MIB))
    assert "so far" not in browser.get(page).text


def test_staff_see_all_of_it_and_nobody_else_does(site: Site) -> None:
    submission, _ = _unsent(site)
    staff = site.browser(site.staff)
    assert "Work on files" not in staff.get("/staff").text
    _say(site, sr_unsent=(Part.PREPARE, 700 * MIB), expire_main=(Part.EXPIRE, 0))
    page = " ".join(staff.get("/staff").text.split())
    assert "Work on files" in page
    assert f'<a href="/submissions/{submission}">' in page
    assert "700 MiB" in page
    assert "Delete what is kept no longer, waits for its turn" in page
    assert site.browser(site.organiser).get("/staff").status_code == 404
