"""Every address of the API."""

from starlette.routing import Route

from portal.domain.accounts.tokens import Scope
from portal.web.api import challenges, models, submissions, teams, weights
from portal.web.api.calls import CREATED, Endpoint, Field

PAGE = Field(name="page", meaning="Which page of the list; the first without.")

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/me",
        scope=None,
        summary="Say whose token it is and what it may be used for.",
        handler=challenges.me,
        answer=models.Me,
    ),
    Endpoint(
        method="GET",
        path="/challenges",
        scope=Scope.READ,
        summary="List the challenges.",
        handler=challenges.challenges,
        answer=models.Challenges,
    ),
    Endpoint(
        method="GET",
        path="/challenges/{slug}",
        scope=Scope.READ,
        summary="Show a challenge: its phases, what is left of their limits, how you take part.",
        handler=challenges.challenge,
        answer=models.Challenge,
    ),
    Endpoint(
        method="GET",
        path="/challenges/{slug}/leaderboard",
        scope=Scope.READ,
        summary="Show the leaderboard of a phase.",
        handler=challenges.leaderboard,
        answer=models.Leaderboard,
        query=(
            Field(name="phase", meaning="Slug of the phase; the current one without."),
            PAGE,
        ),
    ),
    Endpoint(
        method="GET",
        path="/challenges/{slug}/submissions",
        scope=Scope.READ,
        summary=(
            "List your team's submissions. With the scope `organise`, those who work for the"
            " challenge see every team's."
        ),
        handler=submissions.submissions,
        answer=models.Submissions,
        query=(PAGE,),
    ),
    Endpoint(
        method="POST",
        path="/challenges/{slug}/submissions",
        scope=Scope.SUBMIT,
        summary="Submit a file, as `multipart/form-data`.",
        handler=submissions.submit,
        answer=models.Made,
        status=CREATED,
        form=(
            Field(name="phase", meaning="Slug of the phase.", required=True),
            Field(name="kind", meaning="`image`, `code` or `results`.", required=True),
            Field(
                name="smoke",
                meaning="`yes`: only run it on the public sample, and read what it writes.",
            ),
            Field(name="weights", meaning="Id of weights that your team has uploaded."),
            Field(name="note", meaning="For your team and the organisers, up to 500 characters."),
            Field(name="file", meaning="The file.", required=True, is_file=True),
        ),
        headers=(
            Field(
                name="Idempotency-Key",
                meaning="Your own name for this submission, up to 200 characters: sent again, the call makes no other.",
            ),
        ),
    ),
    Endpoint(
        method="GET",
        path="/challenges/{slug}/weights",
        scope=Scope.READ,
        summary="List the weights that your team has uploaded.",
        handler=weights.listed,
        answer=models.WeightsList,
    ),
    Endpoint(
        method="POST",
        path="/challenges/{slug}/weights",
        scope=Scope.SUBMIT,
        summary="Upload weights, as `multipart/form-data`. The same file again gives the same id.",
        handler=weights.upload,
        answer=models.Made,
        status=CREATED,
        form=(Field(name="file", meaning="The file.", required=True, is_file=True),),
    ),
    Endpoint(
        method="GET",
        path="/submissions/{id}",
        scope=Scope.READ,
        summary="Show a submission: its state, its steps, why it failed, its scores.",
        handler=submissions.submission,
        answer=models.Submission,
    ),
    Endpoint(
        method="GET",
        path="/challenges/{slug}/teams",
        scope=Scope.ORGANISE,
        summary="List the teams of a challenge that you organise.",
        handler=teams.teams,
        answer=models.Teams,
        query=(PAGE,),
    ),
    Endpoint(
        method="GET",
        path="/challenges/{slug}/participants",
        scope=Scope.ORGANISE,
        summary="List who takes part in a challenge that you organise, and who wants to.",
        handler=teams.participants,
        answer=models.Participants,
        query=(
            Field(name="state", meaning="`asked`, `admitted` or `declined`; all without."),
            PAGE,
        ),
    ),
    Endpoint(
        method="POST",
        path="/challenges/{slug}/participants/{person}/admit",
        scope=Scope.ORGANISE,
        summary="Let somebody take part who has asked. Doing it again changes nothing.",
        handler=teams.admit,
        answer=models.Decision,
    ),
    Endpoint(
        method="POST",
        path="/challenges/{slug}/participants/{person}/decline",
        scope=Scope.ORGANISE,
        summary="Decline somebody who has asked; they can still be admitted later.",
        handler=teams.decline,
        answer=models.Decision,
    ),
)


def api_routes() -> list[Route]:
    """Return the routes of the API."""
    return [endpoint.route() for endpoint in ENDPOINTS]
