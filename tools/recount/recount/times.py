"""Times of the contract: RFC 3339, or whole minutes, with a zone."""

import datetime
import zoneinfo

YEAR_2015_MS = 1_420_070_400_000
YEAR_2100_MS = 4_102_444_800_000
FIRST_US = -62_135_596_800_000_000
"""0001-01-01T00:00Z, in microseconds since 1970."""
END_US = 253_402_300_800_000_000
"""10000-01-01T00:00Z."""

DAY_SECONDS = 86_400
DAYS_IN_400_YEARS = 146_097
UNIX_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()


def micros(text: str) -> int | None:
    """Microseconds since 1970 of a text that has the pattern; None where no calendar or clock has it."""
    hour, minute = int(text[11:13]), int(text[14:16])
    has_seconds = text[16] == ":"
    second = int(text[17:19]) if has_seconds else 0
    fraction, zone = "", text[19:] if has_seconds else text[16:]
    if zone[0] == ".":
        digits = len(zone) - len(zone[1:].lstrip("0123456789")) - 1
        fraction, zone = zone[1 : 1 + digits], zone[1 + digits :]
    ahead = 0
    if zone not in "Zz":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        if hours > 23 or minutes > 59:
            return None
        ahead = (hours * 60 + minutes) * (-60 if zone[0] == "-" else 60)
    if hour > 23 or minute > 59 or second > 59:
        return None
    day = _day(int(text[0:4]), int(text[5:7]), int(text[8:10]))
    if day is None:
        return None
    seconds = day * DAY_SECONDS + hour * 3600 + minute * 60 + second - ahead
    instant = seconds * 1_000_000 + int(fraction[:6].ljust(6, "0"))
    return instant if FIRST_US <= instant < END_US else None


def _day(year: int, month: int, day: int) -> int | None:
    """Days since 1970 of a date of the Gregorian calendar, year 0 too."""
    shift = DAYS_IN_400_YEARS if year == 0 else 0
    try:
        return datetime.date(year or 400, month, day).toordinal() - UNIX_EPOCH_DAY - shift
    except ValueError:
        return None


def is_clock(timestamp_ms: int) -> bool:
    """Whether a record's timestamp can be a clock's."""
    return YEAR_2015_MS <= timestamp_ms < YEAR_2100_MS


def days_of_month(month: str, zone_name: str) -> list[tuple[str, int, int]]:
    """Each day of a month of a zone, with the microseconds at which it begins and ends. Raises ValueError, KeyError."""
    zone = zoneinfo.ZoneInfo(zone_name)
    first = datetime.date(int(month[:4]), int(month[5:]), 1)
    days = []
    for ordinal in range(first.toordinal(), first.toordinal() + 31):
        date = datetime.date.fromordinal(ordinal)
        if date.month != first.month:
            break
        begin, end = _midnight_us(date, zone), _midnight_us(date + datetime.timedelta(days=1), zone)
        # A day that a zone left out when it crossed the date line.
        if begin < end:
            days.append((date.isoformat(), begin, end))
    return days


def _midnight_us(date: datetime.date, zone: datetime.tzinfo) -> int:
    """Where clocks leave midnight out, the offset before it leads to the instant at which they do."""
    midnight = datetime.datetime(date.year, date.month, date.day, tzinfo=zone)
    return int(midnight.timestamp()) * 1_000_000


def instant_us(text: str) -> int:
    """An instant as statements write it: UTC, `Z`."""
    instant = micros(text)
    if instant is None:
        raise ValueError(f"no instant: {text}")
    return instant
