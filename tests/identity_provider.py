"""A real OpenID provider on this machine, in a process of its own: ``python -m`` runs it.

It is a process because it has warnings of its own, which the tests would turn into errors.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

USERS: Sequence[tuple[str, dict[str, object]]] = (
    ("ada", {"name": "Ada Vlasák", "eduperson_entitlement": ["urn:example:hpc"]}),
    ("grace", {"preferred_username": "grace.okafor"}),
    ("ingrid", {"name": "Ingrid Solheim"}),
    ("staff", {"name": "Site Staff", "eduperson_entitlement": ["urn:example:sealrun-staff"]}),
    ("mallory", {"name": "<script>alert('name')</script>"}),
)


@dataclass(frozen=True)
class IdentityProvider:
    """A running provider."""

    issuer: str


@contextmanager
def running() -> Iterator[IdentityProvider]:
    """Run the provider until the end of the block."""
    environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1", "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.identity_provider"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        yield IdentityProvider(issuer=json.loads(process.stdout.readline())["issuer"])
        process.terminate()


def _main() -> None:
    import oidc_provider_mock  # noqa: PLC0415 - only in the provider's own process

    users = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in USERS]
    with oidc_provider_mock.run_server_in_thread(user_claims=users) as server:
        print(json.dumps({"issuer": f"http://localhost:{server.server_port}"}), flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    _main()
