"""The one place that reads the site's settings and picks adapters.

Each name is imported when it is asked for: pages need no adapters of clusters, and most commands no pages.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.bootstrap.approvals import approvals_of_site
    from portal.bootstrap.archives import archive_challenge
    from portal.bootstrap.audit import accept_audit_log, examine_audit_log, restore_audit_guards
    from portal.bootstrap.challenge_lint import lint_bundle, page_warnings
    from portal.bootstrap.challenges import (
        add_challenge,
        approve_revision,
        differences,
        export_bundle,
    )
    from portal.bootstrap.clusters import files_of, scheduler_of, transport_of
    from portal.bootstrap.crew import Crew
    from portal.bootstrap.renewal import SettingsWatch, watch_settings
    from portal.bootstrap.resources import profile_of
    from portal.bootstrap.secrets import audit_heads_of, published_keys, publisher_of
    from portal.bootstrap.site import (
        Installation,
        check_schema,
        open_site,
        operator,
        read_settings,
    )
    from portal.bootstrap.site_check import check_adapters
    from portal.bootstrap.web import web_context
    from portal.bootstrap.worker import audit_watch, ensure_probe, worker_contexts

__all__ = [
    "Crew",
    "Installation",
    "SettingsWatch",
    "accept_audit_log",
    "add_challenge",
    "approvals_of_site",
    "approve_revision",
    "archive_challenge",
    "audit_heads_of",
    "audit_watch",
    "check_adapters",
    "check_schema",
    "differences",
    "ensure_probe",
    "examine_audit_log",
    "export_bundle",
    "files_of",
    "lint_bundle",
    "open_site",
    "operator",
    "page_warnings",
    "profile_of",
    "published_keys",
    "publisher_of",
    "read_settings",
    "restore_audit_guards",
    "scheduler_of",
    "transport_of",
    "watch_settings",
    "web_context",
    "worker_contexts",
]

_PLACES = {
    "Crew": "crew",
    "Installation": "site",
    "SettingsWatch": "renewal",
    "accept_audit_log": "audit",
    "add_challenge": "challenges",
    "approvals_of_site": "approvals",
    "approve_revision": "challenges",
    "archive_challenge": "archives",
    "audit_heads_of": "secrets",
    "audit_watch": "worker",
    "check_adapters": "site_check",
    "check_schema": "site",
    "differences": "challenges",
    "ensure_probe": "worker",
    "examine_audit_log": "audit",
    "export_bundle": "challenges",
    "files_of": "clusters",
    "lint_bundle": "challenge_lint",
    "open_site": "site",
    "operator": "site",
    "page_warnings": "challenge_lint",
    "profile_of": "resources",
    "published_keys": "secrets",
    "publisher_of": "secrets",
    "read_settings": "site",
    "restore_audit_guards": "audit",
    "scheduler_of": "clusters",
    "transport_of": "clusters",
    "watch_settings": "renewal",
    "web_context": "web",
    "worker_contexts": "worker",
}


def __getattr__(name: str) -> object:
    """Import what is asked for from the module that has it."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
