"""One mail to try the server out, outside of the queue."""

from datetime import datetime

from portal.domain.ids import new_id
from portal.domain.mail.letters import Letter
from portal.worker.mail.mime import mime_of
from portal.worker.mail.postman import MailSettings


def send_trial(settings: MailSettings, address: str, *, now: datetime) -> None:
    """Send a mail that says what it is to an address. Raises ``MailError``."""
    letter = Letter(
        id=new_id(now),
        to=address,
        subject=f"A test mail of {settings.site.name}",
        text=(
            f"{settings.site.name} at {settings.site.url} can send mail. Somebody who runs the site has sent this"
            " to try it out; there is nothing to do.\n"
        ),
        unsubscribe="",
        written_at=now,
    )
    message = mime_of(
        letter,
        sender=settings.mailer.sender,
        sender_name=settings.site.name,
        domain=settings.domain,
    )
    with settings.mailer.connect() as connection:
        connection.send(address, message)
