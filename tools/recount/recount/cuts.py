"""What a line of a report is about: days and hours of a named time zone, creatives, placements."""

import datetime
import zoneinfo
from collections.abc import Callable

from .attribution import Credit
from .errors import Incomplete, Usage

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
HOUR = datetime.timedelta(hours=1)

Label = Callable[[Credit], str | None]


def label_of(cut: str, zone_name: str) -> Label:
    """By which text a credit's line is called. Raises Usage or Incomplete where there is no such cut or zone."""
    if cut not in LABELS:
        raise Usage(f"it is cut by {cut!r}, which this program does not know")
    try:
        zone = zoneinfo.ZoneInfo(zone_name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise Incomplete(f"this system has no time zone {zone_name!r}") from error
    return lambda credit: LABELS[cut](credit, zone)


def _local(credit: Credit, zone: datetime.tzinfo) -> datetime.datetime:
    return (EPOCH + datetime.timedelta(microseconds=credit.event.occurred_us)).astimezone(zone)


def _day(credit: Credit, zone: datetime.tzinfo) -> str:
    return _local(credit, zone).date().isoformat()


def _hour(credit: Credit, zone: datetime.tzinfo) -> str:
    """Where an hour of the day began, counted in time that passed since the day did."""
    local = _local(credit, zone)
    midnight = datetime.datetime.combine(local.date(), datetime.time(), zone).astimezone(datetime.timezone.utc)
    return (midnight + (local - midnight) // HOUR * HOUR).astimezone(zone).isoformat()


LABELS = {
    "campaign": lambda credit, zone: None,
    "day": _day,
    "hour": _hour,
    "creative": lambda credit, zone: credit.earner.creative_id,
    "placement": lambda credit, zone: credit.earner.placement_id,
}
