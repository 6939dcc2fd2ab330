"""The worker of a site sends mail as ``site.yaml`` says, and not without."""

import threading
from pathlib import Path

import pytest
import yaml

from portal.bootstrap.crew import Crew
from portal.bootstrap.site import Installation, open_site
from portal.bootstrap.web import web_context
from portal.bootstrap.worker import postman
from portal.db import schema
from portal.domain.errors import OperatorError
from portal.worker.mail.smtp import Security, SmtpMailer
from tests.support.servers.mail_server import PASSWORD, SENDER
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
