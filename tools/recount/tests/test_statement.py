"""What a statement's file must be, by itself; run as test_contract.py."""

import copy
import json
import pathlib
import tempfile
import unittest
from collections.abc import Callable

from recount import statement
from recount.errors import Usage
from recount.times import days_of_month

ISSUED = pathlib.Path(__file__).parents[3] / "apps/ops/test/support/statement.json"


def changed(change: Callable[[dict], object]) -> dict:
    """The issued statement without its events, changed, with the digest of what it is then."""
    content = json.loads(ISSUED.read_text(encoding="utf-8"))
    for day in content["days"]:
        day |= {"currencies": [], "events": "0", "fingerprint": "0" * 64}
    content |= {"totals": [], "events": "0", "fingerprint": "0" * 64, "offsets": []}
    change(content)
    return content | {"digest": statement.digest(content)}


def loaded(content: dict) -> dict:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        return statement.load(file.name)


class AFile(unittest.TestCase):
    def test_that_was_issued_is_whole(self) -> None:
        issued = statement.load(str(ISSUED))
        self.assertEqual(statement.digest(issued), issued["digest"])

    def test_that_is_no_statement_is_refused_with_the_place(self) -> None:
        for change, place in (
            (lambda it: it.pop("as_of"), "/as_of"),
            (lambda it: it.update(amount_due="1"), "/amount_due"),
            (lambda it: it["as_of"][0].update(source="1) OR (true"), "/as_of/0/source"),
            (lambda it: it["as_of"].append(copy.copy(it["as_of"][0])), "twice where a source stood"),
            (lambda it: it["attribution"].update(window_ms="-1"), "/attribution/window_ms"),
            (lambda it: it["days"][0].update({"from": "2026-99-01T00:00:00.000Z"}), "/days/0/from"),
            (lambda it: it.update(events=5), "/events"),
        ):
            with self.subTest(place=place), self.assertRaisesRegex(Usage, place.replace("(", "[(]")):
                loaded(changed(change))


class Days(unittest.TestCase):
    def test_are_those_of_the_month_in_its_zone(self) -> None:
        self.assertEqual(statement.differences(changed(lambda it: None), []), [])
        for change in (
            lambda it: it["days"].pop(),
            lambda it: it["days"][0].update({"from": "2026-11-01T00:00:00.000Z"}),
            lambda it: it.update(time_zone="Europe/Berlin"),
        ):
            self.assertRegex(" ".join(statement.differences(changed(change), [])), "days of 2026-11: they do not begin")

    def test_have_the_hours_that_clocks_give_them(self) -> None:
        for zone, month, name, hours in (
            ("Europe/Berlin", "2026-03", "2026-03-29", 23),
            ("Africa/Cairo", "2026-10", "2026-10-29", 25),
            ("America/Havana", "2026-11", "2026-11-01", 25),
            ("Australia/Lord_Howe", "2026-10", "2026-10-04", 23.5),
        ):
            odd = [(day, (end - begin) / 3.6e9) for day, begin, end in days_of_month(month, zone)]
            self.assertEqual([of for of in odd if of[1] != 24], [(name, hours)])

    def test_name_each_currency_once(self) -> None:
        zeros = {
            standing: dict.fromkeys(names, "0")
            for standing, names in (
                ("billed", ("impressions", "spend_micros")),
                ("unmatched", ()),
                ("invalid", ()),
            )
        }
        found = statement.differences(
            changed(lambda it: it["days"][0].update(currencies=[{"currency": "EUR"} | zeros])), []
        )
        self.assertRegex(" ".join(found), "the statement has \\['EUR'\\], the recount \\[\\]")
