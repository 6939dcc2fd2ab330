"""Sends the browser on to another site after a form.

Browsers apply the policy's ``form-action`` to every address that the answer to a form redirects to,
and nobody knows all that a federation's login passes through. So the form is answered with a page,
and that page leads on.
"""

from starlette.responses import Response

from portal.web.request_context import PageRequest


def onward(request: PageRequest, address: str, *, title: str, where: str) -> Response:
    """Answer with a page that leads on by itself, and that has a link for browsers that do not."""
    page = request.page("accounts/login/redirect.html", address=address, title=title, where=where)
    page.headers["refresh"] = f"0; url={address}"
    return page
