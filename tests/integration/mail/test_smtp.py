"""Sending to a real SMTP server: protected, logged in, refused and not there."""

import socket
from pathlib import Path

import pytest

from portal.worker.mail.smtp import (
    MailPutOffError,
    MailRefusedError,
    Security,
    ServerError,
    SmtpMailer,
)
from tests.support.servers.mail_server import PASSWORD, SENDER, USER, mail_server
from tests.support.servers.portal import free_port

ADA = "ada@nordholm.example"
MESSAGE = b"Subject: Hello\r\n\r\nIt is so.\r\n"


def _send(mailer: SmtpMailer, message: bytes = MESSAGE) -> None:
    with mailer.connect() as connection:
        connection.send(ADA, message)


@pytest.mark.parametrize("security", Security)
def test_a_message_arrives_as_the_connection_is_to_be(tmp_path: Path, security: Security) -> None:
    with mail_server(tmp_path, security) as server:
        _send(server.mailer(security))

    [envelope] = server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, [ADA])
    assert server.messages[0]["Subject"] == "Hello"
    assert server.tls == [security is not Security.PLAIN]


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, security: Security
) -> None:
    with mail_server(tmp_path, security) as server:
        with pytest.raises(ServerError, match="CERTIFICATE_VERIFY_FAILED"):
            _send(server.mailer(security, ca_file=None))

        assert server.envelopes == []


def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    with (
        mail_server(tmp_path, Security.TLS, name="127.0.0.9") as server,
        pytest.raises(ServerError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        _send(server.mailer(Security.TLS))


def test_nothing_goes_in_the_clear_where_the_server_offers_no_tls(tmp_path: Path) -> None:
    with (
        mail_server(tmp_path) as server,
        pytest.raises(ServerError, match="STARTTLS"),
    ):
        _send(server.mailer(Security.STARTTLS, user=USER, password=PASSWORD))

    assert (server.envelopes, server.logins) == ([], [])


def test_it_logs_in_where_the_server_asks(tmp_path: Path) -> None:
    with mail_server(tmp_path, Security.STARTTLS, asks=True) as server:
        _send(server.mailer(Security.STARTTLS, user=USER, password=PASSWORD))
        with pytest.raises(ServerError, match="535") as wrong:
            _send(server.mailer(Security.STARTTLS, user=USER, password="not it"))
        with pytest.raises(ServerError, match="530"):
            _send(server.mailer(Security.STARTTLS))

    assert len(server.envelopes) == 1
    assert "not it" not in str(wrong.value)


@pytest.mark.parametrize("answers", ["to_recipients", "to_messages"])
def test_what_a_server_answers_is_about_this_mail(tmp_path: Path, answers: str) -> None:
    with mail_server(tmp_path) as server:
        getattr(server, answers).extend([f"451 later, {ADA}", "550 never"])
        with server.mailer().connect() as connection:
            with pytest.raises(MailPutOffError, match=r"451 later, \(the address\)"):
                connection.send(ADA, MESSAGE)
            with pytest.raises(MailRefusedError, match="550 never"):
                connection.send(ADA, MESSAGE)
            connection.send(ADA, MESSAGE)

    assert len(server.envelopes) == 1


def test_a_server_that_is_not_there_is_no_fault_of_the_mail() -> None:
    mailer = SmtpMailer(
        host="127.0.0.1", port=free_port(), security=Security.PLAIN, sender=SENDER, hello="x"
    )

    with pytest.raises(ServerError, match="ConnectionRefusedError"):
        _send(mailer)


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mailer = SmtpMailer(
            host="127.0.0.1", port=silent.getsockname()[1], security=Security.PLAIN,
            sender=SENDER, hello="x", timeout=0.2,
        )  # fmt: skip

        with pytest.raises(ServerError, match="timed out"):
            _send(mailer)


def test_a_password_is_not_shown() -> None:
    mailer = SmtpMailer(
        host="h", port=1, security=Security.TLS, sender=SENDER, hello="x", password=PASSWORD
    )

    assert PASSWORD not in repr(mailer)
