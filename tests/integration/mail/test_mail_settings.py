"""The worker of a site sends mail as ``site.yaml`` says, and not without."""

import threading
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from portal.bootstrap.crew import Crew
from portal.bootstrap.site import Installation, open_site
from portal.bootstrap.web import web_context
from portal.bootstrap.worker import postman
from portal.cli import main
from portal.db import schema
from portal.domain.errors import OperatorError
from portal.worker.mail.smtp import Security, SmtpMailer
from tests.support.servers.mail_server import PASSWORD, SENDER, mail_server
from tests.support.servers.portal import free_port
from tests.support.worker.world import write_site


def _site(folder: Path, **mail: object) -> Installation:
    file = write_site(folder)
    if mail:
        settings = yaml.safe_load(file.read_text())
        file.write_text(yaml.safe_dump(settings | {"mail": {"from": SENDER, **mail}}))
    return open_site(file)


def test_without_the_section_nothing_is_queued_or_sent(tmp_path: Path) -> None:
    site = _site(tmp_path)

    assert postman(site) is None
    assert not web_context(site).sends_mail


def test_the_section_says_how(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    site = _site(
        tmp_path, host="smtp.x.example", user="me", password_file=str(secret), per_minute=7
    )

    made = postman(site)

    assert web_context(site).sends_mail
    assert made is not None
    mailer = made.settings.mailer
    assert isinstance(mailer, SmtpMailer)
    assert (mailer.host, mailer.port, mailer.security) == ("smtp.x.example", 587, Security.STARTTLS)
    assert (mailer.user, mailer.password) == ("me", PASSWORD)
    assert (made.settings.per_minute, made.settings.domain) == (7, "127.0.0.1")


def test_a_password_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    site = _site(tmp_path, host="smtp.x.example", user="me", password_file=str(secret))

    with pytest.raises(OperatorError, match=r"mail\.password_file") as refusal:
        postman(site)
    assert PASSWORD not in str(refusal.value)


def test_the_worker_has_a_thread_for_it_that_ends(tmp_path: Path) -> None:
    site = _site(tmp_path, host="localhost", security="plain", port=1)
    schema.upgrade(site.database)
    crew = Crew(site)

    crew.start()
    names = {thread.name for thread in threading.enumerate()}
    crew.stop()

    assert "mail" in names
    assert "mail" not in {thread.name for thread in threading.enumerate()}


def _trial(file: Path, address: str) -> Result:
    return CliRunner().invoke(main, ["mail", "test", "--site", str(file), address])


def test_a_command_sends_one_mail_to_try_the_server_out(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        mailer = server.mailer()
        site = _site(tmp_path / "site", host="127.0.0.1", port=mailer.port, security="plain")
        schema.upgrade(site.database)

        done = _trial(tmp_path / "site" / "site.yaml", "root@nordholm.example")

    assert done.exit_code == 0, done.output
    assert "has accepted a mail to root@nordholm.example" in done.output
    assert server.recipients == ["root@nordholm.example"]
    assert server.messages[0]["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    ("address", "message"),
    [("nobody", "one plain e-mail address"), ("a@x.example", "the mail was not sent")],
)
def test_the_command_says_why_nothing_was_sent(tmp_path: Path, address: str, message: str) -> None:
    site = _site(tmp_path, host="127.0.0.1", port=free_port(), security="plain")
    schema.upgrade(site.database)

    refused = _trial(tmp_path / "site.yaml", address)

    assert refused.exit_code != 0
    assert message in refused.output


def test_the_command_says_that_the_site_sends_none(tmp_path: Path) -> None:
    site = _site(tmp_path)
    schema.upgrade(site.database)

    assert "the site sends none" in _trial(tmp_path / "site.yaml", "a@x.example").output
