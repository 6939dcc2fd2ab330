"""Every address of the portal."""

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from portal.web.local_paths import API
from portal.web.middleware.bodies import TextRoute, UploadRoute
from portal.web.middleware.rate_limits import address, limited, person
from portal.web.pages import attention, audit
from portal.web.pages.accounts import account, identities, login, logout, mail, tokens, welcome
from portal.web.pages.challenges import (
    announcements,
    challenges,
    changes,
    circulars,
    creation,
    dry_runs,
    files,
    news,
    questions,
    revisions,
    role_invitations,
    roles,
    state,
)
from portal.web.pages.challenges import audit as challenge_audit
from portal.web.pages.leaderboards import downloads, leaderboards, leakage
from portal.web.pages.site import check_reports, gpu_budgets, retention, site, staff
from portal.web.pages.submissions import (
    answers,
    cancellation,
    extra_tries,
    log_releases,
    marks,
    picks,
    submissions,
    submit,
    weights,
)
from portal.web.pages.teams import admissions, invitations, join, participants, people, teams
from portal.web.rendering.static_files import StaticFiles
from portal.web.request_context import async_page, form_page, login_required, page


def routes(static: StaticFiles, api: ASGIApp) -> list[BaseRoute]:
    """Return the table of addresses; ``api`` has a table of its own."""
    return [
        Route("/", page(challenges.home), name="home"),
        Route("/new-challenge", page(login_required(creation.show)), methods=["GET"]),
        UploadRoute("/new-challenge", async_page(creation.create), methods=["POST"]),
        Route("/challenges/{slug}", page(challenges.overview)),
        Route("/challenges/{slug}/pages/{page}", page(challenges.text_page)),
        Route("/challenges/{slug}/terms", page(challenges.terms)),
        Route("/challenges/{slug}/files", page(files.show)),
        Route("/challenges/{slug}/files/{name}", page(files.download)),
        Route("/challenges/{slug}/pictures/{path:path}", page(files.picture)),
        Route("/challenges/{slug}/news", page(news.show), methods=["GET"]),
        Route("/challenges/{slug}/news", form_page(announcements.announce), methods=["POST"]),
        Route("/challenges/{slug}/news.atom", page(news.feed)),
        Route("/challenges/{slug}/news/write", page(login_required(announcements.write))),
        Route("/challenges/{slug}/news/{id}", page(news.one)),
        Route(
            "/challenges/{slug}/news/{id}/correct",
            page(login_required(announcements.ask_to_correct)),
            methods=["GET"],
        ),
        Route(
            "/challenges/{slug}/news/{id}/correct",
            form_page(announcements.correct),
            methods=["POST"],
        ),
        Route(
            "/challenges/{slug}/news/{id}/take-down",
            form_page(announcements.take_down),
            methods=["POST"],
        ),
        Route(
            "/challenges/{slug}/news/{id}/put-back",
            form_page(announcements.put_back),
            methods=["POST"],
        ),
        Route("/challenges/{slug}/q-and-a", page(questions.show), methods=["GET"]),
        Route("/challenges/{slug}/q-and-a", form_page(questions.ask), methods=["POST"]),
        Route("/challenges/{slug}/q-and-a/ask", page(login_required(questions.write))),
        Route("/challenges/{slug}/q-and-a/{id}", page(questions.one)),
        Route(
            "/challenges/{slug}/q-and-a/{id}/answer", form_page(questions.answer), methods=["POST"]
        ),
        Route("/challenges/{slug}/q-and-a/{id}/end", form_page(questions.end), methods=["POST"]),
        Route(
            "/challenges/{slug}/q-and-a/{id}/reopen", form_page(questions.reopen), methods=["POST"]
        ),
        Route("/challenges/{slug}/leaderboard", page(leaderboards.leaderboard)),
        Route("/challenges/{slug}/leaderboard.csv", page(downloads.as_csv)),
        Route("/challenges/{slug}/leaderboard.json", page(downloads.as_json)),
        Route("/challenges/{slug}/CITATION.cff", page(downloads.as_cff)),
        Route("/challenges/{slug}/citation.bib", page(downloads.as_bibtex)),
        Route("/challenges/{slug}/submit", page(login_required(submit.form)), methods=["GET"]),
        UploadRoute("/challenges/{slug}/submit", async_page(submit.submit), methods=["POST"]),
        Route("/challenges/{slug}/weights", page(login_required(weights.show)), methods=["GET"]),
        UploadRoute("/challenges/{slug}/weights", async_page(weights.upload), methods=["POST"]),
        Route(
            "/challenges/{slug}/weights/{id}/remove", form_page(weights.remove), methods=["POST"]
        ),
        Route("/challenges/{slug}/submissions", page(login_required(submissions.submissions))),
        Route("/challenges/{slug}/join", page(login_required(join.show)), methods=["GET"]),
        Route("/challenges/{slug}/join", form_page(join.join), methods=["POST"]),
        Route("/challenges/{slug}/team", page(login_required(teams.show)), methods=["GET"]),
        Route("/challenges/{slug}/team/rename", form_page(teams.rename), methods=["POST"]),
        Route("/challenges/{slug}/team/leave", form_page(teams.leave), methods=["POST"]),
        Route(
            "/challenges/{slug}/team/invitations",
            limited(form_page(teams.invite), "invitation", by=person),
            methods=["POST"],
        ),
        Route(
            "/challenges/{slug}/team/invitations/{id}/withdraw",
            form_page(teams.withdraw),
            methods=["POST"],
        ),
        Route("/challenges/{slug}/team/merges", form_page(teams.ask_to_merge), methods=["POST"]),
        Route(
            "/challenges/{slug}/team/merges/{id}/accept",
            form_page(teams.accept_merge),
            methods=["POST"],
        ),
        Route(
            "/challenges/{slug}/team/merges/{id}/decline",
            form_page(teams.decline_merge),
            methods=["POST"],
        ),
        Route(
            "/challenges/{slug}/team/merges/{id}/withdraw",
            form_page(teams.withdraw_merge),
            methods=["POST"],
        ),
        Route("/challenges/{slug}/participants", page(login_required(participants.show))),
        Route("/challenges/{slug}/participants.csv", page(login_required(people.download))),
        Route("/challenges/{slug}/participants/people", page(login_required(people.show))),
        Route("/challenges/{slug}/participants/{person}", page(login_required(people.person))),
        *(
            Route(
                f"/challenges/{{slug}}/participants/{{person}}/{name}",
                form_page(handler),
                methods=["POST"],
            )
            for name, handler in (
                ("remove", people.remove),
                ("ban", people.ban),
                ("lift-ban", people.lift),
            )
        ),
        Route(
            "/challenges/{slug}/participants/{person}/admit",
            form_page(participants.admit),
            methods=["POST"],
        ),
        Route(
            "/challenges/{slug}/participants/{person}/decline",
            form_page(participants.decline),
            methods=["POST"],
        ),
        Route(
            "/invitation",
            limited(page(login_required(invitations.show)), "invitation_tried", by=address),
            methods=["GET"],
        ),
        Route(
            "/invitation",
            limited(form_page(invitations.accept), "invitation_tried", by=address),
            methods=["POST"],
        ),
        Route("/challenges/{slug}/attention", page(login_required(attention.of_challenge))),
        Route("/attention/{id}", form_page(attention.decide), methods=["POST"]),
        Route(
            "/challenges/{slug}/admissions", page(login_required(admissions.show)), methods=["GET"]
        ),
        Route("/challenges/{slug}/admissions", form_page(admissions.decide), methods=["POST"]),
        Route("/challenges/{slug}/tries", page(login_required(extra_tries.show)), methods=["GET"]),
        Route("/challenges/{slug}/tries", form_page(extra_tries.give), methods=["POST"]),
        Route("/challenges/{slug}/resources", page(login_required(gpu_budgets.challenge))),
        Route("/challenges/{slug}/leaks", page(login_required(leakage.show))),
        Route("/challenges/{slug}/retention", page(login_required(retention.of_challenge))),
        Route("/challenges/{slug}/roles", page(login_required(roles.show)), methods=["GET"]),
        Route("/challenges/{slug}/roles", form_page(roles.give), methods=["POST"]),
        Route(
            "/challenges/{slug}/roles/invitations",
            limited(form_page(roles.invite), "invitation", by=person),
            methods=["POST"],
        ),
        Route(
            "/challenges/{slug}/roles/invitations/{id}/withdraw",
            form_page(roles.withdraw),
            methods=["POST"],
        ),
        Route(
            "/role-invitation",
            limited(page(login_required(role_invitations.show)), "invitation_tried", by=address),
            methods=["GET"],
        ),
        Route(
            "/role-invitation",
            limited(form_page(role_invitations.accept), "invitation_tried", by=address),
            methods=["POST"],
        ),
        Route("/challenges/{slug}/roles/{person}/remove", form_page(roles.take), methods=["POST"]),
        Route("/challenges/{slug}/mail", page(login_required(circulars.show)), methods=["GET"]),
        Route("/challenges/{slug}/mail", form_page(circulars.send), methods=["POST"]),
        Route("/challenges/{slug}/mail/{id}/stop", form_page(circulars.stop), methods=["POST"]),
        Route("/challenges/{slug}/log", page(login_required(challenge_audit.show))),
        Route("/challenges/{slug}/log.csv", page(login_required(challenge_audit.download))),
        Route("/challenges/{slug}/revisions", page(login_required(revisions.show))),
        Route("/challenges/{slug}/revisions/{number}", page(login_required(revisions.one))),
        Route(
            "/challenges/{slug}/revisions/{number}/apply",
            form_page(revisions.apply),
            methods=["POST"],
        ),
        Route(
            "/challenges/{slug}/revisions/{number}/step",
            form_page(revisions.step),
            methods=["POST"],
        ),
        Route(
            "/challenges/{slug}/revisions/{number}/again",
            form_page(revisions.again),
            methods=["POST"],
        ),
        Route("/challenges/{slug}/change", page(login_required(changes.show)), methods=["GET"]),
        UploadRoute("/challenges/{slug}/change", async_page(changes.upload), methods=["POST"]),
        Route(
            "/challenges/{slug}/change/phases",
            page(login_required(changes.edit_phases)),
            methods=["GET"],
        ),
        Route("/challenges/{slug}/change/phases", form_page(changes.save_phases), methods=["POST"]),
        Route(
            "/challenges/{slug}/change/text", page(login_required(changes.edit)), methods=["GET"]
        ),
        TextRoute("/challenges/{slug}/change/text", form_page(changes.save), methods=["POST"]),
        Route("/challenges/{slug}/dry-run", page(login_required(dry_runs.show)), methods=["GET"]),
        Route("/challenges/{slug}/dry-run", form_page(dry_runs.start), methods=["POST"]),
        Route(
            "/challenges/{slug}/dry-run/{number}/accept",
            form_page(dry_runs.accept),
            methods=["POST"],
        ),
        Route("/challenges/{slug}/state", page(login_required(state.show)), methods=["GET"]),
        Route("/challenges/{slug}/state", form_page(state.step), methods=["POST"]),
        Route("/submissions/{id}", page(login_required(submissions.submission))),
        Route("/submissions/{id}/progress", page(login_required(submissions.progress))),
        Route("/submissions/{id}/seal", page(login_required(submissions.seal))),
        Route("/submissions/{id}/crate", page(login_required(submissions.crate))),
        Route("/submissions/{id}/statement", page(login_required(submissions.statement))),
        Route("/submissions/{id}/sealed", page(login_required(submissions.sealed))),
        Route("/submissions/{id}/cancel", page(login_required(cancellation.ask)), methods=["GET"]),
        Route("/submissions/{id}/cancel", form_page(cancellation.cancel), methods=["POST"]),
        Route("/submissions/{id}/answers", page(login_required(answers.show)), methods=["GET"]),
        Route("/submissions/{id}/answers", form_page(answers.change), methods=["POST"]),
        Route("/submissions/{id}/marks", page(login_required(marks.show)), methods=["GET"]),
        Route("/submissions/{id}/marks", form_page(marks.change), methods=["POST"]),
        Route(
            "/submissions/{id}/withdraw",
            page(login_required(marks.ask_to_withdraw)),
            methods=["GET"],
        ),
        Route("/submissions/{id}/withdraw", form_page(marks.withdraw), methods=["POST"]),
        Route("/submissions/{id}/reinstate", form_page(marks.reinstate), methods=["POST"]),
        Route("/submissions/{id}/picks", form_page(picks.change), methods=["POST"]),
        Route(
            "/submissions/{id}/logs/{token}/release",
            page(login_required(log_releases.ask)),
            methods=["GET"],
        ),
        Route(
            "/submissions/{id}/logs/{token}/release",
            form_page(log_releases.release),
            methods=["POST"],
        ),
        Route("/seal-keys", page(site.seal_keys)),
        Route("/login", page(login.choose)),
        Route(
            "/login/{provider}",
            limited(async_page(login.begin), "login", by=address),
            methods=["GET"],
        ),
        Route(
            "/login/{provider}/callback",
            limited(async_page(login.callback), "login", by=address),
            methods=["GET"],
        ),
        Route(
            "/login/{provider}/back-channel-logout",
            async_page(logout.back_channel),
            methods=["POST"],
        ),
        Route("/logout", async_page(logout.leave), methods=["POST"]),
        Route("/logged-out", page(logout.logged_out)),
        Route("/account/logins/remove", form_page(identities.remove), methods=["POST"]),
        Route("/account/logins/{provider}", async_page(identities.add), methods=["POST"]),
        Route("/terms", page(site.terms)),
        Route("/welcome", page(welcome.show), methods=["GET"]),
        Route("/welcome", form_page(welcome.accept, accepted=False), methods=["POST"]),
        Route("/account", page(login_required(account.show))),
        Route("/account/names", form_page(account.rename), methods=["POST"]),
        Route(
            "/account/sessions/end-others", form_page(account.end_other_sessions), methods=["POST"]
        ),
        Route("/account/sessions/{id}/end", form_page(account.end_session), methods=["POST"]),
        Route("/account/tokens", page(login_required(tokens.show)), methods=["GET"]),
        Route(
            "/account/tokens",
            limited(form_page(tokens.make), "token_made", by=person),
            methods=["POST"],
        ),
        Route("/account/tokens/{id}/revoke", form_page(tokens.revoke), methods=["POST"]),
        Route("/account/mail", page(login_required(mail.show)), methods=["GET"]),
        Route("/account/mail", form_page(mail.choose), methods=["POST"]),
        Route("/mail/unsubscribe", page(mail.ask_to_unsubscribe), methods=["GET"]),
        # Mail programs send it, without a cookie: what the address holds says for whom.
        Route("/mail/unsubscribe", page(mail.unsubscribe), methods=["POST"]),
        Route("/account/export", page(login_required(account.export))),
        Route("/account/delete", page(login_required(account.ask_to_delete)), methods=["GET"]),
        Route("/account/delete", form_page(account.delete), methods=["POST"]),
        Route("/staff", page(login_required(staff.overview))),
        Route("/staff/site", page(login_required(check_reports.show))),
        Route("/staff/resources", page(login_required(gpu_budgets.site))),
        Route("/staff/retention", page(login_required(retention.of_site))),
        Route("/staff/audit", page(login_required(audit.log))),
        Route("/staff/audit/entries.jsonl", page(login_required(audit.download))),
        Route("/staff/people", page(login_required(staff.people))),
        Route("/staff/people/{id}", page(login_required(staff.person))),
        Route(
            "/staff/people/{id}/sessions/end-all",
            form_page(staff.end_all_sessions),
            methods=["POST"],
        ),
        Route(
            "/staff/people/{id}/sessions/{session}/end",
            form_page(staff.end_session),
            methods=["POST"],
        ),
        Route("/staff/people/{id}/block", form_page(staff.block), methods=["POST"]),
        Route("/staff/people/{id}/unblock", form_page(staff.unblock), methods=["POST"]),
        Mount(API, api),
        Route("/healthz", page(site.is_healthy)),
        Route("/-/patterns", page(site.patterns)),
        Route("/static/{name}", static.respond),
    ]
