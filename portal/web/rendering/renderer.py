"""Templates: the one module that knows how pages are put together."""

from collections.abc import Callable, Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from portal.web.rendering import audit_sentences, filters, labels
from portal.web.rendering.bars import hours
from portal.web.rendering.markdown import PicturePlace, html_of, without_title
from portal.web.rendering.static_files import StaticFiles
from portal.web.rendering.user_agents import agent_in_words

_FILTERS: Mapping[str, Callable[..., object]] = {
    "moment": filters.moment,
    "day": filters.day,
    "machine_moment": filters.machine_moment,
    "file_size": filters.file_size,
    "hours": hours,
    "memory": filters.memory,
    "duration": filters.duration,
    "wait": filters.wait,
    "local_moment": filters.local_moment,
    "gpus": filters.gpus,
    "score": filters.score,
    "agent": agent_in_words,
    "counted": filters.counted,
    "label": labels.label,
    "word": labels.word,
    "explanation": labels.explanation,
    "audit_sentence": audit_sentences.message,
    "audit_rest": audit_sentences.rest,
}


class Renderer:
    """Turns a template and its values into HTML. A name that is not there is an error."""

    def __init__(self, static: StaticFiles, site: Mapping[str, object]) -> None:
        self._environment = Environment(
            loader=PackageLoader("portal", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(_FILTERS)
        self._environment.filters["markdown"] = _markdown
        self._environment.globals.update(static=static.url, site=dict(site), pictures=_pictures)

    def html(self, template: str, values: Mapping[str, object]) -> str:
        """Return the page."""
        return self._environment.get_template(template).render(values)


def _markdown(
    text: str, *titles: str, top: int = 2, pictures: PicturePlace | None = None
) -> Markup:
    # html_of has cleaned it: this is the only text that reaches a page unescaped.
    return Markup(html_of(without_title(text, titles), top, pictures))  # noqa: S704


def _pictures(slug: str, folder: str) -> PicturePlace:
    """Return where the pictures of a page of a challenge are."""
    return PicturePlace(address=f"/challenges/{slug}/pictures", folder=folder)
