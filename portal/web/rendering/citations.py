"""A challenge as a citation: a Citation File Format file, and an entry for BibTeX."""

import json
import re

from portal.services.challenges.citation import Citation

_SPECIAL = re.compile(r"[\\{}&%$#_~^]")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def cff(work: Citation, *, publisher: str, address: str) -> str:
    """Write a CITATION.cff; every text in it is a JSON string, which YAML reads alike."""
    lines = (
        ("cff-version", "1.2.0"),
        ("message", "If you use results of this data challenge, please cite it."),
        ("type", "dataset"),
        ("title", work.title),
    )
    rest = (
        ("date-released", f"{work.began_at:%Y-%m-%d}"),
        ("url", address),
    )
    written = [f"{key}: {_text(value)}" for key, value in lines]
    written += ["authors:", f"  - name: {_text(publisher)}"]
    written += [f"{key}: {_text(value)}" for key, value in rest]
    return "\n".join(written) + "\n"


def bibtex(work: Citation, *, publisher: str, address: str) -> str:
    """Write an entry whose key is made of the challenge's short name and its year."""
    fields = (
        ("title", f"{{{{{latex(work.title)}}}}}"),
        ("author", f"{{{{{latex(publisher)}}}}}"),
        ("year", f"{{{work.began_at:%Y}}}"),
        ("howpublished", "{Data challenge}"),
        ("url", f"{{{address}}}"),
    )
    lines = ",\n".join(f"  {key} = {value}" for key, value in fields)
    return f"@misc{{{work.slug}-{work.began_at:%Y},\n{lines}\n}}\n"


def latex(text: str) -> str:
    """Return a text in which nothing means something to LaTeX."""
    return _SPECIAL.sub(lambda found: _LATEX.get(found[0], f"\\{found[0]}"), text)


def _text(value: str) -> str:
    # Beyond ASCII as it is: YAML has no pairs of surrogates.
    return json.dumps(value, ensure_ascii=False)
