"""``sealrun mail``: whether the site's mail server takes what the worker would send."""

from pathlib import Path

import click

from portal.cli.site import SITE, opened


@click.group()
def mail() -> None:
    """Try the way of mails out."""


@mail.command()
@SITE
@click.argument("address")
def test(site_file: Path, address: str) -> None:
    """Send one mail to ADDRESS, as the worker sends them, and say what the server answered.

    Run it as the worker's account, which reads the password. Nothing of it goes through the queue. The exit code is 1
    where the server cannot be used, or does not take the mail.
    """
    from portal.bootstrap.worker import postman  # noqa: PLC0415
    from portal.domain.mail.addresses import is_address  # noqa: PLC0415
    from portal.worker.mail.smtp import MailError  # noqa: PLC0415
    from portal.worker.mail.trial import send_trial  # noqa: PLC0415

    if not is_address(address):
        raise click.BadParameter("write one plain e-mail address", param_hint="ADDRESS")
    site = opened(site_file)
    sender = postman(site)
    if sender is None:
        raise click.ClickException("site.yaml has no section 'mail': the site sends none")
    try:
        send_trial(sender.settings, address, now=site.clock())
    except MailError as problem:
        raise click.ClickException(f"the mail was not sent: {problem}") from problem
    click.echo(
        f"The server has accepted a mail to {address}. See whether it arrives, also among spam."
    )
