"""Run by `python3 -m unittest discover -s tests -t .` in tools/recount; `./dev test` does."""

import json
import pathlib
import sys
import unittest

from recount.contract import Event, Rules, decode
from recount.identity import event_key
from recount.times import micros

VECTORS = pathlib.Path(__file__).parents[3] / "packages/key-derivation/test/vectors.json"
IMPRESSION = {
    "schema_version": 1,
    "event_type": "impression",
    "impression_id": "018BCFE5-687b-7abc-8def-0123456789ab",
    "occurred_at": "2023-11-14T22:13:20.1234567+01:00",
    "price_micros": 2**63 - 1,
    "currency": "EUR",
    "campaign_id": "\u00e4\n",
    "creative_id": "cr",
    "placement_id": "p",
}


def outcome(text: str | bytes, rules: Rules = Rules()) -> Event | str:
    return decode(text if isinstance(text, bytes) else text.encode("utf-8"), rules)


def with_token(name: str, token: str) -> str:
    """The impression with another JSON token for a member."""
    text = json.dumps(IMPRESSION | {name: "<here>"}, ensure_ascii=False)
    return text.replace('"<here>"', token)


class TheKey(unittest.TestCase):
    def test_is_that_of_every_published_vector(self) -> None:
        for vector in json.loads(VECTORS.read_text(encoding="utf-8"))["events"]:
            click_id, conversion_id = vector.get("click_id", ""), vector.get("conversion_id", "")
            own_id = click_id if vector["event_type"] == "click" else conversion_id
            impression_id = vector["impression_id"].lower()
            self.assertEqual(event_key(vector["event_type"], impression_id, own_id), vector["event_key"])


class AnEvent(unittest.TestCase):
    def test_is_read_exactly(self) -> None:
        event = outcome(json.dumps(IMPRESSION))
        self.assertIsInstance(event, Event)
        self.assertEqual(event.amount, 2**63 - 1)
        self.assertEqual(event.occurred_us, 1_699_996_400_123_456)
        self.assertEqual(event.campaign_id, "\u00e4\n")
        self.assertEqual(event.impression_id, IMPRESSION["impression_id"].lower())

    def test_that_is_none_is_rejected_by_name(self) -> None:
        nested = "[" * 32 + "]" * 32
        for name, token, code in (
            ("price_micros", "1.0", "wrong_type"),
            ("price_micros", "1e3", "wrong_type"),
            ("price_micros", "-0", "wrong_type"),
            ("price_micros", '"5"', "wrong_type"),
            ("price_micros", "true", "wrong_type"),
            ("price_micros", "null", "wrong_type"),
            ("price_micros", "-1", "out_of_range"),
            ("price_micros", str(2**63), "out_of_range"),
            ("price_micros", "9" * 5000, "out_of_range"),
            ("price_micros", "NaN", "not_a_number"),
            ("price_micros", "07", "malformed_json"),
            ("schema_version", "1.0", "wrong_type"),
            ("schema_version", "true", "wrong_type"),
            ("schema_version", "2", "schema_mismatch"),
            ("event_type", '"bid"', "schema_mismatch"),
            ("occurred_at", '"2023-02-29T00:00:00Z"', "out_of_range"),
            ("occurred_at", '"2023-02-28T00:00:00"', "out_of_range"),
            ("campaign_id", '""', "out_of_range"),
            ("campaign_id", '"' + "x" * 65 + '"', "out_of_range"),
            ("campaign_id", '"a\\u0000b"', "nul_character"),
            ("campaign_id", '"a\0b"', "nul_character"),
            ("campaign_id", '"\\ud800"', "lone_surrogate"),
            ("campaign_id", '"\\udc00\\ud800"', "lone_surrogate"),
            ("note", nested, "too_deep"),
            ("note", "[" * 30_000 + "]" * 30_000, "too_deep"),
            ("note", "[" * 30_000, "malformed_json"),
            ("note", '1, "currency": "EUR"', "repeated_field"),
            ("note", '1, "click_id": 1, "click_id": 1', "repeated_field"),
            ("source", "5", "wrong_type"),
        ):
            with self.subTest(name=name, token=token[:20]):
                self.assertEqual(outcome(with_token(name, token)), code)
        self.assertEqual(outcome(json.dumps(IMPRESSION)[:-1]), "malformed_json")
        self.assertEqual(outcome("[1]"), "malformed_json")
        self.assertEqual(outcome(b'{"a": "\xff"}'), "invalid_utf8")
        self.assertEqual(outcome(""), "empty")
        self.assertEqual(outcome("{}"), "missing_field")
        self.assertEqual(outcome(" " * 65_537), "oversize")

    def test_may_be_spelt_unusually(self) -> None:
        for name, token in (
            ("campaign_id", '"\\ud83d\\ude00"'),
            ("source", "null"),
            ("sent_at", "null"),
            ("note", '{"currency": 1, "x": [1.5, {"y": null}]}'),
            ("occurred_at", '"2023-11-14t22:13z"'),
        ):
            with self.subTest(name=name, token=token):
                self.assertIsInstance(outcome(with_token(name, token)), Event)
        lax = Rules(amounts_as_strings=True)
        self.assertEqual(outcome(with_token("price_micros", '"5"'), lax).amount, 5)


class AWrappedEvent(unittest.TestCase):
    AUTO = Rules(is_wrapped=True)

    def test_is_read_where_the_topic_says_so(self) -> None:
        plain = json.dumps(IMPRESSION)
        connect = f'{{"schema": null, "payload": {plain}}}'
        cloud = f'{{"specversion": "1.0", "data": {plain}, "currency": 1, "currency": 2}}'
        frame = b"\0\0\0\0\7"
        expected = outcome(plain)
        for text in (plain, connect, cloud, frame + plain.encode(), frame + connect.encode()):
            with self.subTest(text=text[:20]):
                self.assertEqual(outcome(text, self.AUTO), expected)
        self.assertEqual(outcome(cloud, self.AUTO), expected)
        self.assertEqual(outcome(connect), "missing_field")
        self.assertEqual(outcome(frame + plain.encode()), "malformed_json")

    def test_that_is_none_is_rejected_by_name(self) -> None:
        plain = json.dumps(IMPRESSION)
        for text, code in (
            ('{"schema": 1, "payload": null}', "empty"),
            ('{"schema": 1, "payload": [1]}', "malformed_json"),
            ('{"specversion": "1.0"}', "missing_field"),
            ('{"specversion": "1.0", "data": {}, "data": {}}', "repeated_field"),
            ('{"specversion": "1.0", "data": {"currency": 1, "currency": 1}}', "repeated_field"),
            ('{"specversion": "a\\u0000", "data": {}}', "nul_character"),
            ('{"specversion": NaN, "data": {}}', "not_a_number"),
            (f'{{"specversion": "1.0", "data": {plain}, "note": {"[" * 32}{"]" * 32}}}', "too_deep"),
            ('{"schema": 1, "payload": {}, "more": 1}', "missing_field"),
        ):
            with self.subTest(text=text[:40]):
                self.assertEqual(outcome(text, self.AUTO), code)


class ATime(unittest.TestCase):
    def test_is_microseconds_since_1970(self) -> None:
        for text, expected in (
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00Z", 0),
            ("1970-01-01T01:00:00.0000019+01:00", 1),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
            ("0000-12-31T23:30:00-01:00", -62_135_596_800_000_000 + 1_800_000_000),
            ("0001-01-01T00:00:00+00:01", None),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
            ("9999-12-31T23:59:59-00:01", None),
            ("2023-11-14T24:00:00Z", None),
            ("2023-11-14T23:59:60Z", None),
            ("2023-11-14T22:13:20+24:00", None),
        ):
            with self.subTest(text=text):
                self.assertEqual(micros(text), expected)


if __name__ == "__main__":
    sys.exit(unittest.main())
