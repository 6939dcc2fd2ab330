"""Moments as they are written in the time zone of a challenge, beside UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def beside_utc(moment: datetime, zone: str) -> str:
    """Write a moment in a zone, with its date where that is another than in UTC; empty without a zone.

    Empty as well for one that this machine no longer knows: then UTC alone is shown.
    """
    if not zone:
        return ""
    try:
        local = moment.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        return ""
    day = "" if local.date() == moment.astimezone(UTC).date() else f"{local.day} {local:%b %Y}, "
    return f"{day}{local:%H:%M} in {zone}"
