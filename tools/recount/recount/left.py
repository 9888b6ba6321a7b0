"""What of the topic retention took: with its day, or by its commit where its id has none, by what the database told of it then."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from . import rows
from .contract import Event, born_ms
from .counting import Count, Place
from .database import Snapshot

EPOCH = datetime(1970, 1, 1)
EXAMPLES = 5
BY_HAND = ("redrive", "replay")
"""Kinds of sources whose offsets are none of the topic's."""

QUERIES = {
    "horizon": "SELECT horizon_ms FROM write_guards",
    "left_days": "SELECT to_char(day, 'YYYY-MM-DD') FROM retired_days WHERE dropped_at IS NOT NULL",
    "left_counts": """SELECT to_char(day, 'YYYY-MM-DD'), kind, topic, partition, c.rows, fingerprint, first_offset, end_offset
        FROM retired_day_counts c JOIN retired_days d USING (day) JOIN sources USING (source_id)
        WHERE d.dropped_at IS NOT NULL""",
    "left_ledger": """SELECT source_id, sum(purged), bit_xor(purged_fingerprint) FROM ledger
        GROUP BY 1 HAVING sum(purged) > 0""",
    "left_told": """SELECT source_id, sum(rows), bit_xor(fingerprint) FROM (
            SELECT source_id, c.rows, fingerprint FROM retired_day_counts c JOIN retired_days d USING (day)
            WHERE d.dropped_at IS NOT NULL
            UNION ALL SELECT source_id, rows, fingerprint FROM timeless_purged
        ) told GROUP BY 1""",
    # Of ids that are no UUIDv7 not all of a day have left.
    "timeless_left": "SELECT to_char(occurred_on, 'YYYY-MM-DD'), sum(rows), bit_xor(fingerprint) FROM timeless_purged GROUP BY 1",
    "timeless_stored": """SELECT event_key FROM events
        WHERE rollup_cohort(impression_id) < 0 AND EXISTS (SELECT FROM timeless_purged)""",
    # Days that came back from their archive lie beside `events`.
    "restored_days": "SELECT to_char(day, 'YYYY-MM-DD') FROM restored.days",
    "restored_events": f"SELECT {rows.COLUMNS} FROM restored.events e",
}
"""To be read in one snapshot with `sources.QUERIES`."""


class Sum(NamedTuple):
    """Some events, by number and the XOR of the first 64 bits of their keys."""

    events: int = 0
    fingerprint: int = 0

    def __add__(self, other: "Sum") -> "Sum":  # type: ignore[override]
        return Sum(self.events + other.events, self.fingerprint ^ other.fingerprint)

    def __str__(self) -> str:
        return f"{self.events} events with fingerprint {self.fingerprint}"


class Part(NamedTuple):
    """What of a day one source had."""

    kind: str
    topic: str
    partition: int
    sum: Sum
    first_offset: int
    end_offset: int


class Left(NamedTuple):
    """The events of the topic whose day left."""

    days: frozenset[str]
    restored: frozenset[str]
    """Of these the days that came back."""
    horizon_ms: int
    told: dict[str, list[Part]]
    events: dict[str, dict[str, Event]]
    """By day, then by key."""
    timeless: dict[str, dict[str, Event]]
    """Of ids without a day, by the UTC day on which they happened, then by key."""


def day_of(impression_id: str) -> str | None:
    """The UTC day in which an impression was born; None where its id carries no time."""
    born = born_ms(impression_id)
    return None if born < 0 else _utc_day(born // 1000)


def split(snapshot: Snapshot, events: dict[str, Event]) -> tuple[dict[str, Event], Left]:
    """What of a topic's events is to be stored, and what left."""
    days = frozenset(day for (day,) in snapshot.rows("left_days"))
    told: dict[str, list[Part]] = {}
    for day, kind, topic, partition, number, fingerprint, first, end in snapshot.rows("left_counts"):
        part = Part(kind, topic, int(partition), Sum(int(number), int(fingerprint)), int(first), int(end))
        told.setdefault(day, []).append(part)
    ((horizon_ms,),) = snapshot.rows("horizon")
    restored = frozenset(day for (day,) in snapshot.rows("restored_days"))
    left = Left(days, restored & days, int(horizon_ms), told, {}, {})
    timeless_left = {day for day, _, _ in snapshot.rows("timeless_left")}
    timeless_stored = {key for (key,) in snapshot.rows("timeless_stored")}
    stays: dict[str, Event] = {}
    for key, event in events.items():
        day = day_of(event.impression_id) if days or timeless_left else None
        happened = _utc_day(event.occurred_us // 1_000_000) if timeless_left and day is None else None
        if day in days:
            left.events.setdefault(day, {})[key] = event
        elif happened in timeless_left and key not in timeless_stored:
            left.timeless.setdefault(happened, {})[key] = event
        else:
            stays[key] = event
    return stays, left


def _utc_day(seconds: int) -> str:
    return (EPOCH + timedelta(seconds=seconds)).date().isoformat()


def fingerprint_of(key: str) -> int:
    """The first 64 bits of a key, signed."""
    bits = int(key.replace("-", "")[:16], 16)
    return bits - 2**64 if bits >= 2**63 else bits


def sum_of(keys: Iterable[str]) -> Sum:
    total = Sum()
    for key in keys:
        total += Sum(1, fingerprint_of(key))
    return total


def differences(snapshot: Snapshot, left: Left, count: Count) -> Iterator[str]:
    """Where what left is not what of the topic is of the days that were dropped, and where an event is expired in vain."""
    for day in sorted(left.days | left.told.keys() | left.events.keys()):
        parts = left.told.get(day, [])
        events = left.events.get(day, {})
        told = Sum()
        for part in parts:
            told += part.sum
        found = sum_of(events)
        if told != found:
            yield f"{day}: {told} left, {found} are in the topic"
        elif _is_placed(parts, events, count):
            yield from _part_differences(day, parts, events, count)
    for day, number, fingerprint in snapshot.rows("timeless_left"):
        told, found = Sum(int(number), int(fingerprint)), sum_of(left.timeless.get(day, {}))
        # One that came once more after it had left was stored once more (docs/adr/0042).
        if told != found:
            yield f"{day}, ids that are no UUIDv7: {told} left, {found} are in the topic and not stored"
    ledger = {source: tuple(rest) for source, *rest in snapshot.rows("left_ledger")}
    days = {source: tuple(rest) for source, *rest in snapshot.rows("left_told")}
    for source in sorted(ledger.keys() | days.keys(), key=int):
        if ledger.get(source) != days.get(source):
            yield f"source {source}: the ledger says that {ledger.get(source)} left, the days {days.get(source)}"
    early = [place for place, event in count.expired if not -1 < born_ms(event.impression_id) < left.horizon_ms]
    if early:
        where = ", ".join(f"{place.topic}[{place.partition}] {place.offset}" for place in early[:EXAMPLES])
        yield f"{len(early)} events are expired that are not below the horizon: {where}"
    yield from _restored_differences(snapshot, left)


def _is_placed(parts: list[Part], events: dict[str, Event], count: Count) -> bool:
    """Whether it is known of each event in which partition its stored copy lay."""
    return all(part.kind not in BY_HAND for part in parts) and all(len(count.places(key)) == 1 for key in events)


def _part_differences(day: str, parts: list[Part], events: dict[str, Event], count: Count) -> Iterator[str]:
    found: dict[tuple[str, int], tuple[Sum, int, int]] = {}
    for key in events:
        ((topic, partition, offset),) = count.places(key)
        total, first, end = found.get((topic, partition), (Sum(), offset, 0))
        found[topic, partition] = (total + sum_of([key]), min(first, offset), max(end, offset + 1))
    told = {(part.topic, part.partition): (part.sum, part.first_offset, part.end_offset) for part in parts}
    for topic, partition in sorted(told.keys() | found.keys()):
        place = topic, partition
        if told.get(place) != found.get(place):
            yield f"{day}, {topic}[{partition}]: {_text(told.get(place))} left, {_text(found.get(place))} are in the topic"


def _text(part: tuple[Sum, int, int] | None) -> str:
    return "none" if part is None else f"{part[0]} in [{part[1]}, {part[2]})"


def _restored_differences(snapshot: Snapshot, left: Left) -> Iterator[str]:
    missing = {key: event for day in left.restored for key, event in left.events.get(day, {}).items()}
    differing = []
    for event in rows.events_of(snapshot, "restored_events"):
        if missing.pop(event.key, None) != event:
            differing.append(event.key)
    differing += missing
    if differing:
        yield f"{len(differing)} events that came back are not those of the topic: {', '.join(differing[:EXAMPLES])}"


def unknown(left: Left, has_rollups: bool) -> tuple[list[str], list[str]]:
    """What cannot be told of the events that left, and what is to be said of them all the same."""
    gone = {day: events for day, events in left.events.items() if day not in left.restored}
    timeless = sum(map(len, left.timeless.values()))
    events = sum(map(len, gone.values())) + timeless
    by_replay = sum(part.sum.events for parts in left.told.values() for part in parts if part.kind == "replay")
    cannot = []
    if by_replay:
        cannot.append(f"{by_replay} events that left had come by replays, and nobody says which these are")
    if events and not has_rollups:
        cannot.append(f"the money of {events} events that left: nobody keeps rollups")
    notes = []
    by_what = f" with {len(gone)} days" + (f", {timeless} of them by TIMELESS_RETENTION_DAYS" if timeless else "")
    if events:
        notes.append(
            f"{events} events left{by_what}: they are compared by number and key, their sums with the "
            "rollups by campaign; other fields of theirs are not"
        )
    return cannot, notes
