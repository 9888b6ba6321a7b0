"""What records come to where a redrive stored one of them; run as test_contract.py."""

import json
import unittest

from recount.contract import Event, Rules, decode
from recount.counting import Count, Known, Place, Record

from .test_contract import IMPRESSION

LATE = Place("t", 0, 0)


def record(offset: int, price: int) -> Record:
    return Record(Place("t", 0, offset), json.dumps(IMPRESSION | {"price_micros": price}).encode(), None, -1)


def event(price: int) -> Event:
    found = decode(record(0, price).value, Rules())
    assert isinstance(found, Event)
    return found


def counted(known: Known, *records: Record) -> Count:
    count = Count(known)
    count.add(records, lambda _: Rules())
    count.close()
    return count


class ARedrivenRecord(unittest.TestCase):
    def test_is_the_event_and_what_its_partition_has_beside_it_are_copies(self) -> None:
        known = Known(admitted={event(1).key}, kept_out={LATE: "transient_downstream"})
        same = counted(known, record(0, 1), record(1, 1), record(2, 1))
        self.assertEqual((same.duplicates, same.conflicts), (2, 0))
        other = counted(known, record(0, 1), record(1, 2))
        self.assertEqual(list(other.events.values()), [event(1)])
        self.assertEqual((other.duplicates, other.conflicts, other.undecided), (0, 1, set()))

    def test_of_two_that_differ_nobody_says_which_it_is(self) -> None:
        places = (LATE, Place("t", 0, 1))
        known = Known(admitted={event(1).key}, kept_out=dict.fromkeys(places, "expired"))
        self.assertEqual(counted(known, record(0, 1), record(1, 2)).undecided, {event(1).key})

    def test_that_was_not_redriven_yet_is_none(self) -> None:
        self.assertEqual(counted(Known(kept_out={LATE: "expired"}), record(0, 1)).events, {})
