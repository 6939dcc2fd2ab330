"""Rules over claims, as a sysadmin writes them for logins and an organiser for joining."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from site_config.fields import Section, Title
from site_config.value_kinds import Kind


def _claim_values(value: object) -> object:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str) and one for one in values):
        raise ValueError("must be the value that the claim must have, or a list of values")
    for one in map(str, values):
        if "*" in one.removeprefix("*@").removesuffix("@*"):
            raise ValueError(
                f"'{one}': '*' stands only for a whole half, as in member@* or *@uni.example"
            )
    return value


Claims = Annotated[
    dict[str, Annotated[str | tuple[str, ...], BeforeValidator(_claim_values)]],
    Kind("claims with values"),
]
"""For each claim the value that it must have or, if it is a list, hold; of several values any one."""


class Gate(Section):
    """A rule over claims that decides who gets in."""

    rule: Title = Field(description="The rule in words: a person who is refused is shown it.")
    claims: Claims = Field(min_length=1, description="Claims with values; all of them count.")
    ask: Title | None = Field(
        default=None, description="Whom the person can ask; the site's support without it."
    )


def _as_gates(value: object) -> object:
    """Take ``{acr: ...}`` for one gate without a title of its own."""
    if isinstance(value, dict) and not {"rule", "claims"} & value.keys():
        rule = "What the site asks of a login: " + ", ".join(str(claim) for claim in value)
        return [{"rule": rule, "claims": value}] if value else []
    return [value] if isinstance(value, dict) else value


Gates = Annotated[tuple[Gate, ...], Kind("claims, or list of rules"), BeforeValidator(_as_gates)]
"""One gate as plain claims, or several with a rule in words each; all of them have to open."""
