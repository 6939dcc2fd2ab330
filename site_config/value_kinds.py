"""What kind of value a setting takes: a word for the reference pages, and a JSON schema for editors."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


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


@dataclass(frozen=True, slots=True)
class Matching(Kind):
    """A kind of text that is checked by its pattern; whoever wrote another one reads what is asked for, not the pattern."""

    meaning: str = ""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check the text after pydantic has read it."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"must be {self.meaning}")
        return text
