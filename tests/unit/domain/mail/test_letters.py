"""What mails say, and how long they are tried."""

from datetime import timedelta

from portal.domain.mail.kinds import TOPICS, MailKind, pause_after
from portal.domain.mail.letters import (
    MAX_SUBJECT_CHARS,
    SiteFacts,
    announcement_text,
    one_line,
    subject_of,
    with_foot,
)


def test_a_line_is_one_line_whatever_is_in_it() -> None:
    assert one_line(" a\r\nb\u2028c\x00d\u202e\te ") == "a b c d e"


def test_a_subject_names_the_challenge_and_has_an_end() -> None:
    assert subject_of("Digits", "More\ndata") == "[Digits] More data"
    long = subject_of("D" * 200, "x" * 120)
    assert long.startswith("[" + "D" * 59 + "…] ")
    assert len(subject_of("D" * 200, "x" * 500)) == MAX_SUBJECT_CHARS


def test_a_text_says_why_it_comes_and_how_to_stop_it() -> None:
    site = SiteFacts(name="Nordholm", url="https://x.example")
    text = announcement_text(title="T", text="\nbody\n", by="Oda", address="https://x.example/n")

    written = with_foot(
        text,
        topic=TOPICS[MailKind.ANNOUNCEMENT],
        challenge="Digits",
        site=site,
        unsubscribe="https://x.example/u",
    )

    assert written == (
        "T\n\nbody\n\nOda\nhttps://x.example/n\n\n-- \n"
        "You get this because you take part in Digits at Nordholm.\n"
        "Stop these mails: https://x.example/u\n"
        "All mails: https://x.example/account/mail\n"
    )


def test_every_kind_has_a_topic_that_people_can_refuse() -> None:
    assert set(TOPICS) == set(MailKind) - {MailKind.ROLE_INVITATION}


def test_pauses_grow_and_stay() -> None:
    pauses = [pause_after(tries) for tries in (0, 1, 2, 3, 4, 50)]

    assert pauses == sorted(pauses)
    assert (pauses[1], pauses[-1]) == (timedelta(minutes=5), timedelta(hours=4))
