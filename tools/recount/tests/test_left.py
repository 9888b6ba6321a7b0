"""What is said of days that left where the database tells something else than the topic; run as test_contract.py."""

import json
import unittest
from collections.abc import Iterator

from recount import left
from recount.contract import Event, Rules, decode
from recount.counting import Count, Known, Place, Record

from .test_contract import IMPRESSION

BORN = "01890a5d-ac96-7000-8000-0000000000"
DAY = "2023-06-30"
AFTER_MS = 2_000_000_000_000


class Told:
    """What a snapshot has."""

    def __init__(self, **rows: list[list[str]]) -> None:
        self._rows = {name: [] for name in left.QUERIES} | {"horizon": [[str(AFTER_MS)]]} | rows

    def rows(self, name: str) -> Iterator[list[str]]:
        return iter(self._rows[name])


def record(partition: int, offset: int, number: int, price: int = 1) -> Record:
    fields = IMPRESSION | {"impression_id": f"{BORN}{number:02x}", "price_micros": price}
    return Record(Place("t", partition, offset), json.dumps(fields).encode(), None, -1)


def counted(records: list[Record], known: Known = Known()) -> Count:
    count = Count(known)
    count.add(records, lambda _: Rules())
    count.close()
    return count


def part(partition: int, events: list[Event], first: int, end: int) -> list[str]:
    total = left.sum_of(event.key for event in events)
    return [DAY, "events", "t", str(partition), str(total.events), str(total.fingerprint), str(first), str(end)]


def found(told: Told, count: Count) -> list[str]:
    _, gone = left.split(told, count.events)  # type: ignore[arg-type]
    return list(left.differences(told, gone, count))  # type: ignore[arg-type]


class ADayThatLeft(unittest.TestCase):
    def setUp(self) -> None:
        self.records = [record(0, 0, 1), record(0, 1, 2), record(1, 7, 3)]
        self.count = counted(self.records)
        self.events = [decode(one.value, Rules()) for one in self.records]
        self.parts = [part(0, self.events[:2], 0, 2), part(1, self.events[2:], 7, 8)]

    def told(self, *parts: list[str], **rows: list[list[str]]) -> Told:
        return Told(left_days=[[DAY]], left_counts=list(parts), **rows)

    def test_is_what_the_topic_has_of_it(self) -> None:
        stays, gone = left.split(self.told(*self.parts), self.count.events)  # type: ignore[arg-type]
        self.assertEqual((stays, len(gone.events[DAY])), ({}, 3))
        self.assertEqual(found(self.told(*self.parts), self.count), [])

    def test_of_which_an_event_was_never_stored_or_another_one_was(self) -> None:
        self.assertIn("2 events with fingerprint", found(self.told(self.parts[0]), self.count)[0])
        other = decode(record(0, 1, 9).value, Rules())
        swapped = part(0, [self.events[0], other], 0, 2)
        self.assertIn(f"{DAY}: 3 events with fingerprint", found(self.told(swapped, self.parts[1]), self.count)[0])

    def test_says_by_source_where_its_events_lay_unless_copies_leave_that_open(self) -> None:
        moved = [part(0, self.events[1:], 0, 2), part(1, self.events[:1], 7, 8)]
        self.assertEqual(len(found(self.told(*moved), self.count)), 2)
        copies = counted([*self.records, *(record(2, n, n + 1) for n in range(3))])
        self.assertEqual(found(self.told(*moved), copies), [])

    def test_is_told_to_the_ledger_as_well(self) -> None:
        told = self.told(*self.parts, left_ledger=[["1", "3", "5"]], left_told=[["1", "3", "6"]])
        self.assertIn("source 1: the ledger says", found(told, self.count)[0])

    def test_leaves_only_events_below_the_horizon_expired(self) -> None:
        late = record(0, 2, 4)
        count = counted([*self.records, late], Known(kept_out={late.place: "expired"}))
        self.assertEqual(found(self.told(*self.parts), count), [])
        early = self.told(*self.parts, horizon=[["1"]])
        self.assertEqual(found(early, count), ["1 events are expired that are not below the horizon: t[0] 2"])

    def test_of_copies_that_differ_the_conflict_is_none_that_was_stored(self) -> None:
        one, other = record(0, 0, 1, price=1), record(1, 0, 1, price=2)
        count = counted([one, other], Known(not_stored={one.place}))
        self.assertEqual([event.amount for event in count.events.values()], [2])
        self.assertEqual((count.conflicts, count.undecided), (1, set()))
        self.assertEqual(len(counted([one, other]).undecided), 1)

    def test_of_ids_without_a_day_what_is_not_stored_left(self) -> None:
        ids = [f"01890a5d-ac96-4000-8000-0000000000{n:02x}" for n in (1, 2, 3)]
        values = [json.dumps(IMPRESSION | {"impression_id": one}).encode() for one in ids]
        count = counted([Record(Place("t", 0, n), value, None, -1) for n, value in enumerate(values)])
        first, second, third = count.events.values()
        day = left._utc_day(first.occurred_us // 1_000_000)
        total = left.sum_of([first.key, second.key])
        rows = [[day, str(total.events), str(total.fingerprint)]]
        told = Told(timeless_left=rows, timeless_stored=[[third.key]])
        stays, gone = left.split(told, count.events)  # type: ignore[arg-type]
        self.assertEqual((list(stays), found(told, count)), ([third.key], []))
        self.assertIn("2 of them by TIMELESS_RETENTION_DAYS", left.unknown(gone, True)[1][0])
        again = Told(timeless_left=rows, timeless_stored=[[second.key], [third.key]])
        self.assertEqual(len(found(again, count)), 1)

    def test_that_came_by_a_replay_is_not_told_apart(self) -> None:
        replayed = [DAY, "replay", "t", "0", "1", "1", "0", "1"]
        _, gone = left.split(self.told(replayed), {})  # type: ignore[arg-type]
        self.assertIn("1 events that left had come by replays", left.unknown(gone, True)[0][0])
        _, gone = left.split(self.told(*self.parts), self.count.events)  # type: ignore[arg-type]
        self.assertEqual((len(left.unknown(gone, True)[0]), len(left.unknown(gone, False)[0])), (0, 1))
