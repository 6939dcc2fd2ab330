"""What a sysadmin sets under ``login`` in ``site.yaml``: providers, gates, terms, sessions, rates."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from site_config.fields import Identifier, Section, SitePath
from site_config.gates import Gates
from site_config.identity_providers import Provider
from site_config.units import Duration
from site_config.value_kinds import Kind


class Sessions(Section):
    """How long a browser stays logged in."""

    idle: Duration = Field(
        default=timedelta(hours=12), description="Logged out after this long without a request."
    )
    longest: Duration = Field(
        default=timedelta(days=7), description="Logged out after this long in any case."
    )


class Terms(Section):
    """What everybody accepts at the first login."""

    file: SitePath = Field(description="Markdown file.")
    version: Identifier = Field(
        description="Changes when the text does so that people have to accept it again: `2026-11`."
    )


def _rate(text: str) -> str:
    number, slash, period = text.partition("/")
    if not slash or not number.isdecimal() or int(number) < 1 or period not in _PERIODS:
        raise ValueError(f"must be a number per {', '.join(_PERIODS)}, such as 60/minute")
    return text


_PERIODS = ("second", "minute", "hour", "day")
Rate = Annotated[str, Kind("rate"), AfterValidator(_rate)]


class Rates(Section):
    """How often somebody may try; more is answered with 429."""

    login: Rate = Field(
        default="60/minute",
        description="Logins begun, and answers of providers taken, from one address.",
    )
    token: Rate = Field(
        default="30/minute",
        description="Requests with a token that does not work, from one address.",
    )
    token_made: Rate = Field(default="20/hour", description="Tokens made by one person.")
    invitation: Rate = Field(default="30/hour", description="Invitations made by one person.")
    invitation_tried: Rate = Field(
        default="30/minute", description="Invitations opened from one address."
    )
    upload: Rate = Field(
        default="60/hour", description="Files submitted, or uploaded as weights, by one person."
    )


class Login(Section):
    """Who may log in, and how."""

    providers: tuple[Provider, ...] = Field(default=(), description="The logins on offer.")
    require: Gates = Field(
        default=(), description="What every login has to say of a person, whichever provider."
    )
    terms: Terms | None = Field(
        default=None, description="Terms of the site, accepted once for each version."
    )
    sessions: Sessions = Field(
        default=Sessions(), description="How long a browser stays logged in."
    )
    rates: Rates = Field(default=Rates(), description="How often somebody may try.")

    @field_validator("providers")
    @classmethod
    def _distinct(cls, providers: tuple[Provider, ...]) -> tuple[Provider, ...]:
        if len({provider.id for provider in providers}) < len(providers):
            raise ValueError("must have a different id for each provider")
        return providers
