"""What an event may be wrapped in where its topic says `auto`: docs/operations.md, "Rules of a topic"."""

from . import json_text
from .json_text import Pairs

FRAME_BYTES = 5


def unframed(value: bytes) -> bytes:
    """The value without Confluent's framing: a zero, and four bytes of a schema's number."""
    return value[FRAME_BYTES:] if len(value) > FRAME_BYTES and value[0] == 0 else value


def members(text: str, known: frozenset[str], max_depth: int) -> dict | str:
    """The known members of the event, itself or within an envelope, or the first thing that is wrong."""
    found = json_text.parsed(text, max_depth)
    if isinstance(found, str):
        return found
    within = _name_within(found.pairs)
    if within is None:
        names = json_text.known_members(found.pairs, known)
        return names if isinstance(names, str) else found.problem or names
    # Of the text as a whole nothing may be wrong; what its other members are called does not matter.
    return found.problem or _event_within([value for name, value in found.pairs if name == within], known)


def _event_within(values: list, known: frozenset[str]) -> dict | str:
    if len(values) > 1:
        return "repeated_field"
    if not values:
        return "missing_field"
    (event,) = values
    if event is None:
        return "empty"
    return json_text.known_members(event, known) if type(event) is Pairs else "malformed_json"


def _name_within(pairs: Pairs) -> str | None:
    """The member that holds the event, where the object is an envelope."""
    names = [name for name, _ in pairs]
    if "schema_version" in names:
        return None
    if sorted(names) == ["payload", "schema"]:
        return "payload"
    return "data" if "specversion" in names else None
