"""For each address that needs it: which thing of the scene it names, and what its form says.

The form is one that works, so that an answer other than yes is about who asks and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from portal.web.rendering.static_files import StaticFiles
from tests.integration.access.scene import INVITATION, MAIL_LINK, ROLE_INVITATION, TERMS
from tests.integration.access.table import Key
from tests.support.bundles import new_bundle
from tests.support.offered_files import INNER_PICTURE


@dataclass(frozen=True, kw_only=True)
class Example:
    """A request. A value that starts with @ is a name in the scene and stands for the id there."""

    parts: Mapping[str, str] = field(default_factory=dict)
    """For the parts of the address, such as ``{id}``."""
    path: str = ""
    """Instead of the address, where it needs a query."""
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    json: Mapping[str, object] | None = None
    """Instead of a form, for programs."""


EXAMPLES: Mapping[Key, Example] = {
    ("GET", "/challenges/{slug}/pages/{page}"): Example(parts={"{page}": "evaluation"}),
    ("GET", "/submissions/{id}"): Example(parts={"{id}": "@submission"}),
    ("GET", "/submissions/{id}/progress"): Example(parts={"{id}": "@submission"}),
    ("GET", "/submissions/{id}/sealed"): Example(parts={"{id}": "@submission"}),
    ("GET", "/submissions/{id}/logs/{token}/release"): Example(
        parts={"{id}": "@submission", "{token}": "@attempt"}
    ),
    ("POST", "/submissions/{id}/logs/{token}/release"): Example(
        parts={"{id}": "@submission", "{token}": "@attempt"}, form={"reason": "It helps you."}
    ),
    ("POST", "/attention/{id}"): Example(parts={"{id}": "@attention"}, form={"choice": "retry"}),
    ("GET", "/submissions/{id}/seal"): Example(parts={"{id}": "@submission"}),
    ("GET", "/submissions/{id}/crate"): Example(parts={"{id}": "@submission"}),
    ("GET", "/submissions/{id}/statement"): Example(parts={"{id}": "@submission"}),
    ("GET", "/login/{provider}"): Example(parts={"{provider}": "campus"}),
    ("GET", "/login/{provider}/callback"): Example(parts={"{provider}": "campus"}),
    ("GET", "/static/{name}"): Example(path=StaticFiles().url("sealrun.css")),
    ("GET", "/api/v1/submissions/{id}"): Example(parts={"{id}": "@submission"}),
    ("POST", "/api/v1/challenges/{slug}/participants/{person}/admit"): Example(
        parts={"{person}": "@applicant"}
    ),
    ("POST", "/api/v1/challenges/{slug}/participants/{person}/decline"): Example(
        parts={"{person}": "@applicant"}
    ),
    ("POST", "/api/v1/challenges/{slug}/submissions"): Example(
        form={"phase": "dev", "kind": "results", "note": ""},
        files={"file": ("predictions.csv", b"1,2\n")},
    ),
    ("POST", "/challenges/{slug}/submit"): Example(
        form={"phase": "dev", "kind": "results", "note": ""},
        files={"file": ("predictions.csv", b"1,2\n")},
    ),
    ("POST", "/challenges/{slug}/weights"): Example(files={"file": ("model.bin", b"1")}),
    ("POST", "/challenges/{slug}/weights/{id}/remove"): Example(parts={"{id}": "@weights"}),
    ("POST", "/api/v1/challenges/{slug}/weights"): Example(files={"file": ("model.bin", b"1")}),
    ("GET", "/submissions/{id}/cancel"): Example(parts={"{id}": "@waiting"}),
    ("POST", "/submissions/{id}/cancel"): Example(
        parts={"{id}": "@waiting"}, form={"cost": "nothing"}
    ),
    ("GET", "/submissions/{id}/answers"): Example(parts={"{id}": "@submission"}),
    ("POST", "/submissions/{id}/answers"): Example(
        parts={"{id}": "@submission"}, form={"answer-own_data": "yes"}
    ),
    ("POST", "/api/v1/submissions/{id}/answers"): Example(
        parts={"{id}": "@submission"}, json={"answers": {"own_data": "yes"}}
    ),
    ("GET", "/submissions/{id}/marks"): Example(parts={"{id}": "@submission"}),
    ("POST", "/submissions/{id}/marks"): Example(
        parts={"{id}": "@submission"}, form={"change": "hidden", "reason": "Looked into."}
    ),
    ("GET", "/submissions/{id}/withdraw"): Example(parts={"{id}": "@submission"}),
    ("POST", "/submissions/{id}/withdraw"): Example(parts={"{id}": "@submission"}),
    ("POST", "/submissions/{id}/reinstate"): Example(parts={"{id}": "@submission"}),
    ("POST", "/submissions/{id}/picks"): Example(
        parts={"{id}": "@submission"}, form={"board": "dev"}
    ),
    ("POST", "/api/v1/submissions/{id}/marks"): Example(
        parts={"{id}": "@submission"}, json={"mark": "hidden", "reason": "Looked into."}
    ),
    ("POST", "/api/v1/submissions/{id}/marks/{mark}/remove"): Example(
        parts={"{id}": "@submission", "{mark}": "hidden"}, json={"reason": "All is well."}
    ),
    ("POST", "/api/v1/submissions/{id}/withdraw"): Example(parts={"{id}": "@submission"}),
    ("POST", "/api/v1/submissions/{id}/reinstate"): Example(parts={"{id}": "@submission"}),
    ("POST", "/api/v1/submissions/{id}/pick"): Example(
        parts={"{id}": "@submission"}, json={"board": "dev"}
    ),
    ("POST", "/api/v1/submissions/{id}/unpick"): Example(
        parts={"{id}": "@submission"}, json={"board": "dev"}
    ),
    ("POST", "/challenges/{slug}/admissions"): Example(
        form={"phase": "final", "team": "@own team", "do": "admit"}
    ),
    ("POST", "/api/v1/challenges/{slug}/admissions"): Example(
        json={"phase": "final", "team": "@own team", "admitted": True}
    ),
    ("POST", "/challenges/{slug}/tries"): Example(
        form={"team": "Team Ada", "phase": "dev", "number": "1", "reason": "A node failed."}
    ),
    ("POST", "/api/v1/challenges/{slug}/tries"): Example(
        json={"team": "@own team", "phase": "dev", "number": 1, "reason": "A node failed."}
    ),
    ("POST", "/challenges/{slug}/join"): Example(form={"accept": "yes"}),
    ("POST", "/challenges/{slug}/team/rename"): Example(form={"name": "Another name"}),
    ("POST", "/challenges/{slug}/team/invitations/{id}/withdraw"): Example(
        parts={"{id}": "@invitation"}
    ),
    ("POST", "/challenges/{slug}/team/merges"): Example(form={"team": "Team Third"}),
    ("POST", "/challenges/{slug}/team/merges/{id}/accept"): Example(parts={"{id}": "@merge"}),
    ("POST", "/challenges/{slug}/team/merges/{id}/decline"): Example(parts={"{id}": "@merge"}),
    ("POST", "/challenges/{slug}/team/merges/{id}/withdraw"): Example(parts={"{id}": "@merge"}),
    ("POST", "/challenges/{slug}/participants/{person}/admit"): Example(
        parts={"{person}": "@applicant"}
    ),
    ("POST", "/challenges/{slug}/participants/{person}/decline"): Example(
        parts={"{person}": "@applicant"}
    ),
    ("GET", "/challenges/{slug}/files/{name}"): Example(parts={"{name}": "hints.txt"}),
    ("GET", "/api/v1/challenges/{slug}/files/{name}"): Example(parts={"{name}": "hints.txt"}),
    ("GET", "/challenges/{slug}/pictures/{path:path}"): Example(
        parts={"{path:path}": INNER_PICTURE}
    ),
    ("GET", "/challenges/{slug}/participants/{person}"): Example(parts={"{person}": "@applicant"}),
    **{
        ("POST", f"{api}/challenges/{{slug}}/participants/{{person}}/{what}"): Example(
            parts={"{person}": "@applicant"},
            form={} if api else form,
            json=json if api else None,
        )
        for api in ("", "/api/v1")
        for what, form, json in (
            ("remove", {"reason": "By mistake."}, {"reason": "By mistake."}),
            ("ban", {"ban_reason": "By mistake."}, {"reason": "By mistake."}),
            ("lift-ban", {}, None),
        )
    },
    ("POST", "/challenges/{slug}/news"): Example(
        form={"title": "News", "text": "It is so.", "do": "publish"}
    ),
    ("GET", "/challenges/{slug}/news/{id}"): Example(parts={"{id}": "@announcement"}),
    ("GET", "/challenges/{slug}/news/{id}/correct"): Example(parts={"{id}": "@announcement"}),
    ("POST", "/challenges/{slug}/news/{id}/correct"): Example(
        parts={"{id}": "@announcement"}, form={"title": "News", "text": "So.", "do": "publish"}
    ),
    ("POST", "/challenges/{slug}/news/{id}/take-down"): Example(parts={"{id}": "@announcement"}),
    ("POST", "/challenges/{slug}/news/{id}/put-back"): Example(parts={"{id}": "@announcement"}),
    ("POST", "/api/v1/challenges/{slug}/announcements"): Example(
        json={"title": "News", "text": "It is so."}
    ),
    ("GET", "/challenges/{slug}/revisions/{number}"): Example(parts={"{number}": "1"}),
    ("POST", "/challenges/{slug}/revisions/{number}/apply"): Example(parts={"{number}": "2"}),
    ("POST", "/challenges/{slug}/revisions/{number}/again"): Example(parts={"{number}": "2"}),
    ("POST", "/challenges/{slug}/revisions/{number}/step"): Example(
        parts={"{number}": "2"}, form={"to": "dropped"}
    ),
    ("POST", "/new-challenge"): Example(files={"file": ("bundle.zip", new_bundle())}),
    ("POST", "/api/v1/challenges"): Example(files={"file": ("bundle.zip", new_bundle())}),
    ("POST", "/challenges/{slug}/change"): Example(
        form={"path": "overview.md"}, files={"file": ("overview.md", b"# Another\n")}
    ),
    ("POST", "/challenges/{slug}/change/phases"): Example(form={"per_day-1": "2"}),
    ("POST", "/challenges/{slug}/change/text"): Example(
        form={"path": "overview.md", "text": "# Another"}
    ),
    ("GET", "/api/v1/challenges/{slug}/revisions/{number}"): Example(parts={"{number}": "2"}),
    ("POST", "/api/v1/challenges/{slug}/revisions"): Example(
        form={"path": "overview.md"}, files={"file": ("overview.md", b"# Another\n")}
    ),
    ("POST", "/api/v1/challenges/{slug}/revisions/{number}/state"): Example(
        parts={"{number}": "2"}, json={"to": "dropped"}
    ),
    ("POST", "/api/v1/challenges/{slug}/revisions/{number}/again"): Example(
        parts={"{number}": "2"}
    ),
    ("POST", "/challenges/{slug}/dry-run/{number}/accept"): Example(
        parts={"{number}": "1"}, form={"reason": "It is fair."}
    ),
    ("POST", "/api/v1/challenges/{slug}/dry-run"): Example(json={}),
    ("POST", "/api/v1/challenges/{slug}/dry-run/{number}/accept"): Example(
        parts={"{number}": "1"}, json={"reason": "It is fair."}
    ),
    ("POST", "/challenges/{slug}/state"): Example(form={"to": "closed"}),
    ("POST", "/api/v1/challenges/{slug}/state"): Example(json={"to": "closed"}),
    ("POST", "/challenges/{slug}/roles"): Example(
        form={"person": "@person", "role": "reviewer", "sure": "yes"}
    ),
    ("POST", "/challenges/{slug}/roles/{person}/remove"): Example(parts={"{person}": "@reviewer"}),
    ("POST", "/login/{provider}/back-channel-logout"): Example(
        parts={"{provider}": "campus"}, form={"logout_token": "nothing"}
    ),
    ("POST", "/account/logins/remove"): Example(form={"issuer": "@issuer", "subject": "@subject"}),
    ("POST", "/account/logins/{provider}"): Example(parts={"{provider}": "campus"}),
    ("POST", "/welcome"): Example(form={"accept": TERMS.version}),
    ("POST", "/account/names"): Example(
        form={"display_name": "Me", "pseudonym": "Nobody 1", "shown_as": "name"}
    ),
    ("POST", "/account/sessions/{id}/end"): Example(parts={"{id}": "@other browser"}),
    ("POST", "/account/tokens"): Example(
        form={"name": "a token", "scope_read": "yes", "days": "30"}
    ),
    ("POST", "/account/tokens/{id}/revoke"): Example(parts={"{id}": "@token read"}),
    ("POST", "/account/mail"): Example(form={"announcements": "yes"}),
    ("GET", "/mail/unsubscribe"): Example(
        path=f"/mail/unsubscribe?token={MAIL_LINK}&topic=announcements"
    ),
    ("POST", "/mail/unsubscribe"): Example(
        path=f"/mail/unsubscribe?token={MAIL_LINK}&topic=announcements",
        form={"List-Unsubscribe": "One-Click"},
    ),
    ("POST", "/account/delete"): Example(form={"typed": "The WHO"}),
    ("GET", "/staff/people/{id}"): Example(parts={"{id}": "@person"}),
    ("POST", "/staff/people/{id}/sessions/end-all"): Example(parts={"{id}": "@person"}),
    ("POST", "/staff/people/{id}/sessions/{session}/end"): Example(
        parts={"{id}": "@person", "{session}": "@browser"}
    ),
    ("POST", "/staff/people/{id}/block"): Example(
        parts={"{id}": "@person"}, form={"reason": "left"}
    ),
    ("POST", "/staff/people/{id}/unblock"): Example(parts={"{id}": "@person"}),
    ("POST", "/challenges/{slug}/mail"): Example(
        form={"title": "Hello", "text": "Submit.", "to": "asked", "shown": "1", "do": "send"}
    ),
    ("POST", "/challenges/{slug}/mail/{id}/stop"): Example(parts={"{id}": "@circular"}),
    ("POST", "/challenges/{slug}/q-and-a"): Example(form={"title": "Why?", "text": "Is it so?"}),
    ("GET", "/challenges/{slug}/q-and-a/{id}"): Example(parts={"{id}": "@question"}),
    ("POST", "/challenges/{slug}/q-and-a/{id}/answer"): Example(
        parts={"{id}": "@question"},
        form={"answer": "No.", "for": "public", "title": "Why?", "text": "Is it so?"},
    ),
    ("POST", "/challenges/{slug}/q-and-a/{id}/end"): Example(
        parts={"{id}": "@question"}, form={"to": "hidden", "note": "Asked twice."}
    ),
    ("POST", "/challenges/{slug}/q-and-a/{id}/reopen"): Example(parts={"{id}": "@question"}),
    ("POST", "/api/v1/challenges/{slug}/q-and-a"): Example(
        json={"title": "Why?", "text": "Is it so?"}
    ),
    ("POST", "/api/v1/challenges/{slug}/q-and-a/{id}/answer"): Example(
        parts={"{id}": "@question"}, json={"answer": "No.", "public": True}
    ),
    ("POST", "/challenges/{slug}/roles/invitations"): Example(
        form={"address": "new@nordholm.example", "as": "reviewer"}
    ),
    ("POST", "/challenges/{slug}/roles/invitations/{id}/withdraw"): Example(
        parts={"{id}": "@role invitation"}
    ),
    ("GET", "/role-invitation"): Example(path=f"/role-invitation?code={ROLE_INVITATION}"),
    ("POST", "/role-invitation"): Example(form={"code": ROLE_INVITATION}),
    ("GET", "/invitation"): Example(path=f"/invitation?code={INVITATION}"),
    ("POST", "/invitation"): Example(form={"code": INVITATION, "accept": "yes"}),
}
