"""Which records are events: ad-event.schema.json, and what README.md says beyond it."""

import json
import pathlib
import re
from typing import NamedTuple

from . import json_text, times, wrapping
from .identity import event_key

SCHEMA = pathlib.Path(__file__).parents[3] / "packages/event-schema/schema/ad-event.schema.json"
UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
DIGITS = re.compile(r"0|[1-9][0-9]*")
PAYLOAD_TEXTS = ("currency", "campaign_id", "creative_id", "placement_id")


class Event(NamedTuple):
    """An event as it is stored. Two copies are the same payload where all of it is equal."""

    key: str
    impression_id: str
    event_type: str
    occurred_us: int
    """Microseconds since 1970."""
    amount: int
    """Micros."""
    currency: str
    campaign_id: str
    creative_id: str
    placement_id: str
    click_id: str
    """Empty where it has none, as `conversion_id`."""
    conversion_id: str


class Rules(NamedTuple):
    """How records of a topic are read."""

    max_value_bytes: int = 65536
    max_depth: int = 32
    amounts_as_strings: bool = False
    future_tolerance_ms: int = 86_400_000
    is_wrapped: bool = False
    """Whether an event may stand within a frame or an envelope (`value_format` auto)."""


class Field(NamedTuple):
    name: str
    kind: str
    required: bool
    pattern: re.Pattern[str] | None
    max_length: int
    maximum: int


def _field(name: str, schema: dict, required: bool) -> Field:
    schema = next((one for one in schema.get("anyOf", [schema]) if one["type"] != "null"), schema)
    kind = "integer" if schema["type"] == "integer" else "time" if name.endswith("_at") else "text"
    pattern = re.compile(schema["pattern"]) if "pattern" in schema else None
    return Field(name, kind, required, pattern, schema.get("maxLength", 0), schema.get("maximum", 0))


def _fields_by_type() -> dict[str, list[Field]]:
    types = {}
    for variant in json.loads(SCHEMA.read_text(encoding="utf-8"))["oneOf"]:
        properties = dict(variant["properties"])
        event_type = properties.pop("event_type")["const"]
        properties.pop("schema_version")
        types[event_type] = [
            _field(name, schema, name in variant["required"]) for name, schema in properties.items()
        ]
    return types


FIELDS = _fields_by_type()
KNOWN_NAMES = frozenset(field.name for fields in FIELDS.values() for field in fields) | {
    "schema_version",
    "event_type",
}
VERSIONS = frozenset({1})


def decode(value: bytes | None, rules: Rules, any_version: bool = False) -> Event | str:
    """The event of a record's value, or the code under which it is rejected."""
    if not value:
        return "empty"
    if len(value) > rules.max_value_bytes:
        return "oversize"
    try:
        text = (wrapping.unframed(value) if rules.is_wrapped else value).decode("utf-8")
    except UnicodeDecodeError:
        return "invalid_utf8"
    read = wrapping.members if rules.is_wrapped else json_text.members
    members = read(text, KNOWN_NAMES, rules.max_depth)
    return members if isinstance(members, str) else _event(members, rules, any_version)


def _event(members: dict, rules: Rules, any_version: bool) -> Event | str:
    for name, known in (("schema_version", VERSIONS), ("event_type", FIELDS)):
        if name not in members:
            return "missing_field"
        wanted = int if name == "schema_version" else str
        if type(members[name]) is not wanted:
            return "wrong_type"
        if members[name] not in known and not (any_version and wanted is int):
            return "schema_mismatch"
    event_type = members["event_type"]
    values: dict = {}
    faults = set()
    for field in FIELDS[event_type]:
        value = members.get(field.name)
        if value is None and (field.name not in members or not field.required):
            if field.required:
                return "missing_field"
            continue
        if rules.amounts_as_strings and field.kind == "integer" and isinstance(value, str):
            value = int(value) if DIGITS.fullmatch(value) else value
        fault, values[field.name] = _checked(field, value)
        faults.add(fault)
    for code in ("wrong_type", "out_of_range"):
        if code in faults:
            return code
    return _stored(event_type, values)


def _checked(field: Field, value: object) -> tuple[str | None, object]:
    """What is wrong with a value, and the value as it is stored."""
    if field.kind == "integer":
        if type(value) is not int:
            return "wrong_type", None
        return (None if 0 <= value <= field.maximum else "out_of_range"), value
    if type(value) is not str:
        return "wrong_type", None
    if field.kind == "time":
        instant = times.micros(value) if field.pattern.fullmatch(value) else None
        return (None if instant is not None else "out_of_range"), instant
    if field.pattern is not None:
        return (None if field.pattern.fullmatch(value) else "out_of_range"), value
    return (None if 1 <= len(value) <= field.max_length else "out_of_range"), value


def _stored(event_type: str, values: dict) -> Event:
    impression_id = values["impression_id"].lower()
    click_id = values.get("click_id", "").lower()
    conversion_id = values.get("conversion_id", "")
    own_id = {"impression": "", "click": click_id, "conversion": conversion_id}[event_type]
    amount = values["value_micros"] if event_type == "conversion" else values["price_micros"]
    return Event(
        event_key(event_type, impression_id, own_id),
        impression_id,
        event_type,
        values["occurred_at"],
        amount,
        *(values[name] for name in PAYLOAD_TEXTS),
        click_id,
        conversion_id,
    )


def born_ms(impression_id: str) -> int:
    """The time in a UUIDv7, in milliseconds since 1970; -1 where the id carries none."""
    if impression_id[14] != "7" or impression_id[19] not in "89ab":
        return -1
    millis = int(impression_id[:8] + impression_id[9:13], 16)
    return millis if millis < times.YEAR_2100_MS else -1


def refusal(event: Event, headers: list | None, timestamp_ms: int, rules: Rules) -> str | None:
    """Why an event is rejected by what goes along with it: its key in a header, or the time in its id."""
    stated = [value for name, value in headers or [] if name == "adtally-event-key"]
    if stated:
        text = (stated[0] or b"").decode("latin-1")
        if len(stated) > 1 or not UUID.fullmatch(text) or text.lower() != event.key:
            return "key_mismatch"
    born = born_ms(event.impression_id)
    if born < 0:
        return None
    if times.is_clock(timestamp_ms) and born - timestamp_ms > rules.future_tolerance_ms:
        return "future"
    return None
