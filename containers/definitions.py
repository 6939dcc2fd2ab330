"""The definition file of a code submission: the portal's words only.

``%setup`` and ``%pre`` would run on the node, ``%post`` would run the submission's code at build time;
so there is a base, and files that are laid over it, and nothing else.
"""

import re
from pathlib import PurePosixPath

from containers.environments import ENVIRONMENT

SUBMISSION = "/submission"
"""Where the files of a code submission are in its image."""

_PLAIN = re.compile(r"/[A-Za-z0-9._/-]+")


def definition(
    *, base: PurePosixPath, files: PurePosixPath, environment: PurePosixPath | None = None
) -> str:
    """Give the definition file that lays what is in ``files`` over ``base`` at ``SUBMISSION``.

    Packages that were installed to ``environment`` come with it, where Python and the shell find them.
    A definition file cannot quote: only plain absolute paths are taken, ValueError otherwise.
    """
    for path in filter(None, (base, files, environment)):
        if not _PLAIN.fullmatch(str(path)) or ".." in path.parts:
            raise ValueError(f"a definition file cannot name this path: {str(path)!r}")
    # With "/." a /submission that the base has already is filled, not given a directory inside.
    text = f"Bootstrap: localimage\nFrom: {base}\n\n%files\n    {files}/. {SUBMISSION}\n"
    if environment is None:
        return text
    return (
        f"{text}    {environment}/. {ENVIRONMENT}\n\n%environment\n"
        f'    export PYTHONPATH={ENVIRONMENT} PATH="{ENVIRONMENT}/bin:$PATH"\n'
    )
