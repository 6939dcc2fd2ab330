"""What everybody is answered today, as the tables of docs/reference/access.md: to be looked at.

``python -m tests.integration.access.observe`` prints them. Each cell is to be thought about before
it goes into the page: what is answered today may be wrong.
"""

import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

import structlog

from portal.web.local_paths import is_api
from tests.integration.access import table
from tests.integration.access.asking import addresses, asked, called
from tests.integration.access.scene import PEOPLE, TOKENS, Scene, make_scene
from tests.integration.access.table import Key

Ask = Callable[[Key, str, Scene, Path], str]


def main() -> None:
    """Print both tables."""
    # The requests are logged as well: not among the tables.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory() as folder:
        scene = make_scene(Path(folder, "scene"))
        pages = [key for key in addresses() if not is_api(key[1])]
        calls = [key for key in addresses() if is_api(key[1])]
        numbers = count()
        for keys, columns, ask in ((pages, PEOPLE, asked), (calls, TOKENS, called)):
            rows = {
                key: [
                    ask(key, column, scene, Path(folder, str(next(numbers)))) for column in columns
                ]
                for key in keys
            }
            print(table.written([*columns], rows), end="\n\n")  # noqa: T201


if __name__ == "__main__":
    main()
