"""What a check of the site needs."""

from portal.bootstrap.audit import examine_audit_log
from portal.bootstrap.clusters import files_of, scheduler_of, transport_of
from portal.bootstrap.resources import profile_of
from portal.bootstrap.site import operator, read_settings
from portal.bootstrap.worker import greet_mail_server
from portal.site_check.adapters import SiteAdapters


def check_adapters() -> SiteAdapters:
    """Return what a check is handed: the same adapters as web and worker have."""
    return SiteAdapters(
        read_settings=read_settings,
        profile_of=profile_of,
        operator=operator,
        transport_of=transport_of,
        scheduler_of=scheduler_of,
        files_of=files_of,
        examine_audit_log=examine_audit_log,
        greet_mail_server=greet_mail_server,
    )
