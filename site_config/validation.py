"""Checks a document against a model and says what is wrong in words, with the line."""

from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from site_config.errors import Problem, SettingsError
from site_config.fields import Section
from site_config.yaml_document import Document, Key

S = TypeVar("S", bound=Section)


def validate(model: type[S], document: Document) -> S:
    """Return the settings that the document holds; raise ``SettingsError`` with all problems."""
    try:
        return model.model_validate(
            document.value, context={"directory": document.file.absolute().parent}
        )
    except ValidationError as error:
        details = [one for one in error.errors(include_url=False) if not _is_echo(one, error)]
        raise SettingsError([_problem(model, document, detail) for detail in details]) from error


def submodel(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type expression
    """Return the model inside a type such as ``dict[str, Model]`` or ``Model | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := submodel(part))), None)


def _is_echo(detail: ErrorDetails, error: ValidationError) -> bool:
    """Whether a list is called too short only because its elements were refused."""
    here, depth = detail["loc"], len(detail["loc"])
    return detail["type"] == "too_short" and any(
        other["loc"][:depth] == here and len(other["loc"]) > depth for other in error.errors()
    )


def _problem(model: type[Section], document: Document, detail: ErrorDetails) -> Problem:
    kind, key = detail["type"], _key(document, detail)
    if kind == "extra_forbidden":
        message = _unknown(model, key)
    elif kind == "missing":
        message = "is missing"
    elif kind == "value_error":
        message = str(detail["ctx"]["error"])
    elif kind == "too_short":
        message = f"needs {detail['ctx']['min_length']} or more"
    elif detail["input"] is None:
        message = "has no value"
    else:
        message = detail["msg"].replace("Input should", "must")
    return document.problem(key, message)


def _key(document: Document, detail: ErrorDetails) -> Key:
    """Drop what pydantic adds to a location: names of union members, ``[key]``."""
    key: Key = ()
    for part in detail["loc"]:
        if (*key, part) in document.lines:
            key = (*key, part)
    return (*key, detail["loc"][-1]) if detail["type"] == "missing" else key


def _unknown(model: type[Section], key: Key) -> str:
    known = _known_keys(model, key[:-1])
    close = get_close_matches(str(key[-1]), known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(known)}"
    return f"is not a setting; {hint}"


def _known_keys(model: type[BaseModel], key: Key) -> list[str]:
    annotation: Any = model
    for part in key:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(part)].annotation
        else:
            annotation = get_args(annotation)[1 if get_origin(annotation) is dict else 0]
        if get_origin(annotation) not in {dict, tuple}:
            annotation = mapping(annotation) or submodel(annotation) or annotation
    return sorted(annotation.model_fields)


def mapping(annotation: Any) -> Any:  # noqa: ANN401 - any type expression
    """Return the ``dict[str, Model]`` among the forms that a value may have; None where there is none."""
    parts = [part for one in get_args(annotation) for part in (one, *get_args(one)[:1])]
    return next((part for part in parts if get_origin(part) is dict and submodel(part)), None)
