"""A check speaks to the mail server as the worker does, and sends nothing."""

from pathlib import Path

from portal.domain.site.findings import Level
from portal.site_check.rules import mail
from tests.support.servers.mail_server import SENDER, mail_server
from tests.support.servers.portal import free_port
from tests.unit.site_check.subjects import MakeSubject


def _section(port: int, **more: object) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": port, "security": "plain", "from": SENDER, **more}


def test_a_server_that_answers_is_said_to(make_subject: MakeSubject, tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        port = server.mailer().port
        [finding] = mail.check(make_subject(mail=_section(port)))

    assert (finding.id, finding.level) == ("mail.server", Level.OK)
    assert finding.found == f"127.0.0.1:{port} answers"
    assert server.messages == []


def test_a_server_that_does_not_answer_is_a_warning(make_subject: MakeSubject) -> None:
    port = free_port()

    [finding] = mail.check(make_subject(mail=_section(port)))

    assert finding.level is Level.WARNING
    assert f"127.0.0.1:{port}: ConnectionRefusedError" in finding.found
    assert "sealrun mail test" in finding.change


def test_a_password_that_cannot_be_read_from_here_is_said_so(make_subject: MakeSubject) -> None:
    section = _section(free_port(), user="me", password_file="mail-password", security="starttls")

    [finding] = mail.check(make_subject(mail=section))

    assert finding.level is Level.WARNING
    assert finding.found.startswith("cannot be seen here: ")
    assert "mail.password_file" in finding.found


def test_a_site_that_sends_none_has_no_finding(make_subject: MakeSubject) -> None:
    assert list(mail.check(make_subject())) == []
