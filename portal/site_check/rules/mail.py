"""Mail: the server can be reached, as the worker reaches it. Nothing is sent."""

from collections.abc import Iterator

from portal.domain.errors import OperatorError
from portal.domain.site.findings import Finding, Level, Rule
from portal.site_check.target import Subject

SERVER = Rule(
    id="mail.server",
    title="The mail server answers, with a certificate that is verified, and takes the login",
    level=Level.WARNING,
    meaning="No mail leaves the site: what waits for longer than three days is given up.",
    change="site.yaml: mail; then run: sealrun mail test ADDRESS",
)
RULES = (SERVER,)


def check(subject: Subject) -> Iterator[Finding]:
    """Connect to the server where the site sends mail, and log in as the worker does."""
    mail = subject.settings.mail
    if mail is None:
        return
    place = f"{mail.host}:{mail.port}"
    try:
        subject.adapters.greet_mail_server(subject.settings)
    except OSError as problem:
        yield SERVER.broken(f"{place}: {problem}")
    except OperatorError as problem:
        # The password is the worker's: another account cannot look.
        yield SERVER.unseen(str(problem))
    else:
        yield SERVER.holds(f"{place} answers")
