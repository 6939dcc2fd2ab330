"""What kind of value a setting takes: a word for the reference pages, and a JSON schema for editors."""

from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class Kind:
    """Put into ``Annotated``, before what checks the value."""

    word: str
    pattern: str = ""
    """What the text looks like as it is written, for editors; empty: as pydantic describes the type."""

    or_number: bool = False
    """Whether editors may take the text for a number."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the text that is written, where pydantic would describe what is made of it."""
        if self.pattern:
            types = ["string", "integer"] if self.or_number else "string"
            return {"type": types, "pattern": f"^(?:{self.pattern})$"}
        return handler(schema)
