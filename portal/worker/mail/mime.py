"""A letter as the bytes that a server takes (RFC 5322), with the head that ends mails by one click (RFC 8058).

The library refuses line ends in a head, but decodes encoded words in what it is given: in them a title could still
begin lines of its own. So none gets that far, and what came out is looked at as well.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import format_datetime

from portal.domain.mail.letters import Letter, one_line

HEAD = (
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Unsubscribe",
    "List-Unsubscribe-Post", "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
)  # fmt: skip
"""The lines that a head has, and no other."""
UNSUBSCRIBE = ("List-Unsubscribe", "List-Unsubscribe-Post")
"""Those that a mail lacks which nobody can stop, as it comes once."""


def mime_of(letter: Letter, *, sender: str, sender_name: str, domain: str) -> bytes:
    """Return the message. Raises ``ValueError`` where its head would have other lines than it should."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(display_name=_phrase(sender_name), addr_spec=sender)
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = _phrase(letter.subject)
    message["Date"] = format_datetime(letter.written_at)
    message["Message-ID"] = f"<{letter.id}@{domain}>"
    # RFC 3834: no answering machine answers.
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text, charset="utf-8", cte="quoted-printable")
    made = message.as_bytes()
    expected = [line for line in HEAD if letter.unsubscribe or line not in UNSUBSCRIBE]
    if sorted(BytesHeaderParser().parsebytes(made).keys()) != sorted(expected):
        raise ValueError("the head of a mail has lines that nobody put there")
    return made


def _phrase(text: str) -> str:
    """Return a text on one line in which no encoded word (RFC 2047) begins."""
    return one_line(text).replace("=?", "= ?")
