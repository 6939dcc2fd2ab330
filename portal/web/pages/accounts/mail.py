"""Which mails somebody gets: their own page, and what the link in every mail leads to."""

from starlette.responses import Response

from portal.domain.accounts.people import Actor, ActorKind
from portal.domain.mail.kinds import MailTopic
from portal.services.mail import choices
from portal.web.request_context import Fields, PageRequest

PAGE = "/account/mail"


def show(request: PageRequest) -> Response:
    """Show where mails go, and what can be chosen."""
    view = request.read(choices.mail_page, actor=request.actor)
    return request.page(
        "accounts/mail.html",
        view=view,
        topics=tuple(MailTopic),
        sends_mail=request.context.sends_mail,
        is_saved=request.http.query_params.get("saved") == "yes",
    )


def choose(request: PageRequest, fields: Fields) -> Response:
    """Take over what the person wants."""
    wants = frozenset(topic for topic in MailTopic if fields.get(topic) == "yes")
    request.write(choices.choose, actor=request.actor, wants=wants, now=request.now)
    return request.redirect(f"{PAGE}?saved=yes")


def ask_to_unsubscribe(request: PageRequest) -> Response:
    """Show a button: programs that look at the links of a mail must not end anything."""
    token, topic = _link(request)
    link = request.read(choices.look_at_link, token=token, topic=topic)
    return request.page("accounts/unsubscribe.html", link=link, token=token)


def unsubscribe(request: PageRequest) -> Response:
    """End mails of a kind, as a mail program asks by itself (RFC 8058) or the button does.

    The address says for whom: neither a login nor a cookie does, and the body is not looked at.
    """
    token, topic = _link(request)
    somebody = Actor(kind=ActorKind.VISITOR, origin=request.browser.origin)
    link = request.write(
        choices.unsubscribe, actor=somebody, token=token, topic=topic, now=request.now
    )
    return request.page("accounts/unsubscribe.html", link=link, token=token)


def _link(request: PageRequest) -> tuple[str, str]:
    query = request.http.query_params
    return query.get("token", "").replace("\0", ""), query.get("topic", "")
