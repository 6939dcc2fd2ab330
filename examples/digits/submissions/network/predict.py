"""Tries to get out: TCP, UDP and a name. Exits 9 when nothing worked."""

import socket
import sys
from collections.abc import Callable
from functools import partial

import answers

# Documentation and resolver addresses, link-local metadata, and the node itself.
TCP = [
    ("192.0.2.1", 80),
    ("192.0.2.1", 22),
    ("169.254.169.254", 80),
    ("127.0.0.1", 22),
    ("127.0.0.1", 6817),
]
UDP = [("192.0.2.1", 53), ("169.254.169.254", 53)]
BLOCKED = 9


def works(name: str, attempt: Callable[[], object]) -> bool:
    """Make one attempt and report on it."""
    try:
        attempt()
    except OSError as error:
        print(f"{name}: {type(error).__name__} {error.errno}")
        return False
    print(f"{name}: worked")
    return True


def send_udp(address: tuple[str, int]) -> None:
    """Send a datagram; without a route this fails at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"\x00", address)


def main() -> int:
    """Make all attempts."""
    attempts: dict[str, Callable[[], object]] = {
        f"tcp {host} {port}": partial(socket.create_connection, (host, port), timeout=3)
        for host, port in TCP
    }
    attempts |= {f"udp {host} {port}": partial(send_udp, (host, port)) for host, port in UDP}
    attempts["name"] = partial(socket.getaddrinfo, "example.org", 443)
    results = [works(name, attempt) for name, attempt in attempts.items()]
    if not any(results):
        return BLOCKED
    answers.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
