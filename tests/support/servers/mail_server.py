"""A real SMTP server on this machine, which answers as it is said to and keeps what it has accepted."""

import email
import ipaddress
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.worker.mail.smtp import Security, SmtpMailer
from tests.support.servers.portal import free_port

USER, PASSWORD = "sealrun", "a mail password"
SENDER = "portal@nordholm.example"


@dataclass(kw_only=True)
class MailServer:
    """What a test sees of it."""

    port: int
    authority: Path | None = None
    """The certificate, where it speaks TLS."""
    to_recipients: deque[str] = field(default_factory=deque)
    """What it answers to the next recipients instead of accepting them."""
    to_messages: deque[str] = field(default_factory=deque)
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    tls: list[bool] = field(default_factory=list)
    """Of each message, whether it came over TLS."""

    @property
    def messages(self) -> list[EmailMessage]:
        """Return what was accepted, read again."""
        return [
            email.message_from_bytes(envelope.original_content or b"", policy=default)  # type: ignore[arg-type, misc]
            for envelope in self.envelopes
        ]

    @property
    def recipients(self) -> list[str]:
        """Return to whom, in order."""
        return [address for envelope in self.envelopes for address in envelope.rcpt_tos]

    def mailer(self, security: Security = Security.PLAIN, **more: object) -> SmtpMailer:
        """Return what sends to it."""
        values = {"ca_file": self.authority, "timeout": 5.0, **more}
        return SmtpMailer(
            host="127.0.0.1", port=self.port, security=security, sender=SENDER,
            hello="portal.nordholm.example", **values,  # type: ignore[arg-type]
        )  # fmt: skip

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        if self.to_recipients:
            return self.to_recipients.popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.to_messages:
            return self.to_messages.popleft()
        self.envelopes.append(envelope)
        self.tls.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: object
    ) -> AuthResult:
        """Compare with the one account that there is."""
        known = LoginPassword(login=USER.encode(), password=PASSWORD.encode())
        if isinstance(data, LoginPassword):
            self.logins.append(data.login)
        return AuthResult(success=data == known, handled=False)


def content_of(message: EmailMessage) -> str:
    """Return the text of a message with plain line ends."""
    text: str = message.get_content()
    return text.replace("\r\n", "\n")


@contextmanager
def mail_server(
    directory: Path,
    security: Security = Security.PLAIN,
    *,
    asks: bool = False,
    name: str = "127.0.0.1",
) -> Iterator[MailServer]:
    """Serve until the end of the block; ``asks`` for a login, with a certificate of ``name``."""
    server = MailServer(port=free_port())
    tls = None
    if security is not Security.PLAIN:
        server.authority = _certificate(directory, name)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(server.authority, directory / "mail.key")
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=server.port,
        ssl_context=tls if security is Security.TLS else None,
        tls_context=tls if security is Security.STARTTLS else None,
        require_starttls=security is Security.STARTTLS,
        authenticator=server.authenticate if asks else None,
        auth_required=asks,
        auth_require_tls=security is Security.STARTTLS,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def _certificate(directory: Path, name: str) -> Path:
    """Make a certificate that stands for itself; return its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = directory / "mail.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "mail.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file
