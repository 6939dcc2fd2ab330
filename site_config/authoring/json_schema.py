"""The JSON schema of ``challenge.yaml``, with which editors complete and check it while it is written.

It knows forms, not meanings: ``sealrun challenge lint`` finds what a schema cannot say.
"""

from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from site_config.challenge import Challenge
from site_config.units import format_duration

FILE_NAME = "challenge.schema.json"
"""Where ``sealrun challenge init`` puts it, beside ``challenge.yaml``."""


class _AsWritten(GenerateJsonSchema):
    """Writes defaults as they would stand in the file."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - as pydantic declares it
        """Return a default as JSON."""
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def challenge_schema() -> dict[str, Any]:
    """Return the schema, of the draft 2020-12."""
    schema = Challenge.model_json_schema(schema_generator=_AsWritten)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}
