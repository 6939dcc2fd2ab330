"""The head of a mail has the lines that it should, and no other."""

import email
from datetime import UTC, datetime
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.mail.letters import Letter
from portal.worker.mail.mime import HEAD, mime_of

NOW = datetime(2026, 11, 24, 10, 5, 42, tzinfo=UTC)


def _made(subject: str = "Hello", name: str = "Nordholm", to: str = "ada@uni.example") -> bytes:
    letter = Letter(
        id="1m86ejfdgcq5x2hvtdzt", to=to, subject=subject, text="Grüße\n.\n",
        unsubscribe="https://x.example/u?a=1&b=2", written_at=NOW,
    )  # fmt: skip
    return mime_of(letter, sender="portal@x.example", sender_name=name, domain="x.example")


def test_it_says_who_when_and_what() -> None:
    message = email.message_from_bytes(_made(), policy=default)

    assert message["From"] == "Nordholm <portal@x.example>"
    assert message["Message-ID"] == "<1m86ejfdgcq5x2hvtdzt@x.example>"
    assert message["Date"] == "Tue, 24 Nov 2026 10:05:42 +0000"
    assert message["List-Unsubscribe"] == "<https://x.example/u?a=1&b=2>"
    assert _made() == _made()


EVIL = st.text(max_size=60) | st.builds(
    "{}{}{}".format,
    st.text(max_size=20),
    st.sampled_from(
        ["\r\nBcc: a@b.c", "\n\nbody", "=?utf-8?q?=0D=0ABcc:_a@b.c?=", "=?utf-8?b?DQpCY2M6IGE=?=",
         "\x85Bcc: a", "\u2028Bcc: a", "=\n?utf-8?q?=0AX:?="]
    ),
    st.text(max_size=20),
)  # fmt: skip


@given(subject=EVIL, name=EVIL)
def test_nothing_adds_a_line(subject: str, name: str) -> None:
    made = _made(subject, name)
    message = email.message_from_bytes(made, policy=default)

    assert sorted(message.keys()) == sorted(HEAD)
    assert made.isascii()
    assert message["To"] == "ada@uni.example"


@pytest.mark.parametrize("to", ["ada@uni.example\r\nBcc: a@b.c", "ada@uni.example\n"])
def test_an_address_that_is_none_makes_no_mail(to: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        _made(to=to)
