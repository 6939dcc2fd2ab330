"""The site's network: one cable to this machine with two addresses, and no way further.

The addresses are from the three networks that are set aside for documentation and routed nowhere; some
virtual machines use one of them for their own cable, hence three. Each site has four addresses (a /30):
the network, this machine's end, the site's end, and the broadcast address.
"""

import hashlib
import ipaddress
import json
import subprocess
from dataclasses import dataclass
from typing import Any

from site_config.practice.errors import PracticeError
from site_config.practice.machine.hosts import clean_environment

POOL = tuple(
    ipaddress.IPv4Network(block) for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
)
INSIDE_INTERFACE = "site0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    """The two ends of a site's network connection."""

    outside_interface: str
    outside_address: str
    inside_address: str
    prefix: int = 30


def interface_for(home: str) -> str:
    """Return the name of this machine's end of the cable for the site in the folder *home*."""
    # An interface name has at most 15 characters, so the site's name would not always fit.
    return f"sealrun{hashlib.sha256(home.encode()).hexdigest()[:8]}"


def cable_for(home: str, network: ipaddress.IPv4Network) -> Cable:
    """Return the cable of the site in the folder *home* for its slice *network* of the pool."""
    return Cable(
        outside_interface=interface_for(home),
        outside_address=str(network[1]),
        inside_address=str(network[2]),
    )


def choose_network(
    home: str, taken: list[ipaddress.IPv4Network], preferred: ipaddress.IPv4Network | None = None
) -> ipaddress.IPv4Network:
    """Return the slice of the pool for the site in *home*: the preferred one, else the first that overlaps no taken one.

    Raises PracticeError when all are taken.
    """
    blocks = [list(block.subnets(new_prefix=30)) for block in POOL]
    first = int(hashlib.sha256(home.encode()).hexdigest(), 16) % len(blocks[0])
    candidates = [preferred] if preferred else []
    for slices in blocks:
        candidates += [*slices[first:], *slices[:first]]
    for candidate in candidates:
        if not any(candidate.overlaps(other) for other in taken):
            return candidate
    names = ", ".join(map(str, POOL))
    raise PracticeError(
        f"no four addresses of {names} are free on this machine for the site's network"
    )


def networks_in_use(except_interface: str) -> list[ipaddress.IPv4Network]:
    """Return the networks of all interfaces and routes of this machine, besides one interface's."""
    names = [
        f"{address['local']}/{address['prefixlen']}"
        for interface in _ip("-4", "addr", "show")
        if interface.get("ifname") != except_interface
        for address in interface.get("addr_info", [])
    ]
    names += [
        route["dst"]
        for route in _ip("-4", "route", "show")
        if route.get("dst", "default") != "default" and route.get("dev") != except_interface
    ]
    return [ipaddress.IPv4Network(name, strict=False) for name in names]


def plug_in(cable: Cable, pid: int) -> None:
    """Connect this machine with the network namespace of the process *pid*; an older cable of that name goes."""
    outside = cable.outside_interface
    unplug(cable)
    _run(
        "link", "add", outside, "type", "veth", "peer", "name", INSIDE_INTERFACE, "netns", str(pid)
    )
    _run("addr", "add", f"{cable.outside_address}/{cable.prefix}", "dev", outside)
    _run("link", "set", outside, "up")


def unplug(cable: Cable) -> None:
    """Remove the cable, if it is there. It also goes by itself with the site's network namespace."""
    subprocess.run(
        ["ip", "link", "delete", cable.outside_interface],
        check=False,
        capture_output=True,
        env=clean_environment(),
    )


def bring_up_inside(cable: Cable) -> None:
    """Give the calling process's network namespace its end of the cable and its loopback; no default route."""
    _run("link", "set", "lo", "up")
    _run("addr", "add", f"{cable.inside_address}/{cable.prefix}", "dev", INSIDE_INTERFACE)
    _run("link", "set", INSIDE_INTERFACE, "up")


def _ip(*arguments: str) -> list[dict[str, Any]]:
    argv = ["ip", "-json", *arguments]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=clean_environment())
    # `{}` stands for an entry that was filtered out.
    return [entry for entry in json.loads(done.stdout or "[]") if entry]


def _run(*arguments: str) -> None:
    done = subprocess.run(
        ["ip", *arguments], check=False, capture_output=True, text=True, env=clean_environment()
    )
    if done.returncode != 0:
        raise PracticeError(f"`ip {' '.join(arguments)}` failed: {done.stderr.strip()}")
