"""Every address of the portal."""

from starlette.routing import BaseRoute, Route

from portal.web.pages import challenges, leaderboards, login, site, submissions, submit
from portal.web.static_files import StaticFiles
from portal.web.visit import async_page, members_only, page


def routes(static: StaticFiles) -> list[BaseRoute]:
    """Return the table of addresses."""
    return [
        Route("/", page(challenges.home), name="home"),
        Route("/challenges/{slug}", page(challenges.overview)),
        Route("/challenges/{slug}/pages/{page}", page(challenges.text_page)),
        Route("/challenges/{slug}/terms", page(challenges.terms)),
        Route("/challenges/{slug}/leaderboard", page(leaderboards.leaderboard)),
        Route("/challenges/{slug}/submit", page(members_only(submit.form)), methods=["GET"]),
        Route("/challenges/{slug}/submit", async_page(submit.hand_in), methods=["POST"]),
        Route("/challenges/{slug}/submissions", page(members_only(submissions.submissions))),
        Route("/submissions/{id}", page(members_only(submissions.submission))),
        Route("/submissions/{id}/progress", page(members_only(submissions.progress))),
        Route("/login", page(login.choose)),
        Route("/login/{provider}", async_page(login.begin), methods=["GET"]),
        Route("/login/{provider}/callback", async_page(login.callback), methods=["GET"]),
        Route("/logout", page(login.leave), methods=["POST"]),
        Route("/account", page(members_only(site.account))),
        Route("/-/health", page(site.is_healthy)),
        Route("/-/patterns", page(site.patterns)),
        Route("/static/{name}", static.respond),
    ]
