"""Ask the site's init about its daemons, or have one stopped, started, paused, resumed or killed.

Inside the site this file is the command `practice-daemon ACTION [NAME]`; outside it is a module.
"""

import json
import socket
import sys
from typing import cast

SOCKET = "/run/practice/control.sock"
ACTIONS = ("status", "start", "stop", "kill", "pause", "resume")
Answer = dict[str, object]


def ask(path: str, action: str, name: str = "", *, seconds: float = 30.0) -> Answer:
    """Send one request to the init that listens at *path*; return its answer.

    Raises OSError when nobody listens, TimeoutError when no answer comes in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        connection.connect(path)
        connection.sendall(json.dumps({"action": action, "name": name}).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            part = connection.recv(65536)
            if not part:
                raise ConnectionResetError("the site's init ended the conversation")
            answer += part
    return cast("Answer", json.loads(answer))


def main(arguments: list[str]) -> int:
    """Carry out the command line; print the answer; return the exit code."""
    action = arguments[0] if arguments else "status"
    needs_name = action != "status"
    if action not in ACTIONS or len(arguments) != 1 + needs_name:
        sys.stderr.write(f"usage: practice-daemon {'|'.join(ACTIONS)} [NAME]\n")
        return 2
    answer = ask(SOCKET, action, *arguments[1:])
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    return 1 if answer.get("error") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
