"""The one place that reads the site's settings and picks adapters."""

from portal.bootstrap.audit import accept_audit_log, examine_audit_log, restore_audit_guards
from portal.bootstrap.challenges import add_challenge, approvals_of_site, page_warnings
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
from portal.bootstrap.web import web_context
from portal.bootstrap.worker import audit_watch, ensure_probe, worker_contexts

__all__ = [
    "Crew",
    "Installation",
    "SettingsWatch",
    "accept_audit_log",
    "add_challenge",
    "approvals_of_site",
    "audit_heads_of",
    "audit_watch",
    "check_schema",
    "ensure_probe",
    "examine_audit_log",
    "files_of",
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
