"""The providers as fixtures: a process starts when a test first asks, and serves the whole run."""

from collections.abc import Iterator

import pytest

from tests.support.providers import glewlwyd as glewlwyd_provider
from tests.support.providers import hostile as hostile_provider
from tests.support.providers import jupyterhub as jupyterhub_provider
from tests.support.providers import oidc_provider as node_oidc_provider
from tests.support.providers.glewlwyd import Glewlwyd
from tests.support.providers.hostile import HostileProvider
from tests.support.providers.jupyterhub import JupyterHub
from tests.support.providers.oidc_provider import OidcProvider
from tests.support.required import required

PREPARE = "python -m tests.support.providers.prepare"


@pytest.fixture(scope="session")
def oidc_provider_process() -> Iterator[OidcProvider]:
    required(f"npm's oidc-provider ({PREPARE!r} installs it)", node_oidc_provider.is_installed())
    with node_oidc_provider.running() as running:
        yield running


@pytest.fixture
def oidc_provider(oidc_provider_process: OidcProvider) -> Iterator[OidcProvider]:
    """Return npm's oidc-provider; whatever the test broke is mended afterwards."""
    yield oidc_provider_process
    oidc_provider_process.mend_back_channel()


@pytest.fixture
def hostile() -> Iterator[HostileProvider]:
    """Return a new provider that behaves well as yet."""
    with hostile_provider.running() as running:
        yield running


@pytest.fixture(scope="session")
def glewlwyd() -> Iterator[Glewlwyd]:
    """Return Debian's Glewlwyd."""
    required("Debian's Glewlwyd", glewlwyd_provider.is_installed())
    with glewlwyd_provider.running() as running:
        yield running


@pytest.fixture(scope="session")
def jupyterhub() -> Iterator[JupyterHub]:
    """Return a JupyterHub, which speaks OAuth 2.0 only."""
    required(f"JupyterHub ({PREPARE!r} installs it)", jupyterhub_provider.is_installed())
    with jupyterhub_provider.running() as running:
        yield running
