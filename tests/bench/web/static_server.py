"""``python -m tests.bench.web.static_server PORT FILE``: one file, served as plainly as Starlette can."""

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

ADDRESS = "/page.html"


def main(port: int, file: Path) -> None:
    """Serve the file with the same server and the same settings as ``sealrun serve``."""

    async def answer(_: Request) -> FileResponse:
        return FileResponse(file)

    uvicorn.run(
        Starlette(routes=[Route(ADDRESS, answer)]),
        host="127.0.0.1",
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
