"""One JSON object, with what Python's own parser would let pass: the codes of README.md, "Sending events"."""

import json
import re
from typing import NamedTuple

ODD = object()
"""A number that is not a plainly spelt integer: 1.0, 1e3, -0, NaN."""

ENDLESS = 10**20
"""Stands for every integer of more digits than any field may have."""

STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


class Pairs(list):
    """The members of an object, in order."""


class NotANumber(Exception):
    """NaN or Infinity stands where a value should."""


def _integer(digits: str) -> object:
    if digits == "-0":
        return ODD
    return int(digits) if len(digits) <= 20 else -ENDLESS if digits[0] == "-" else ENDLESS


def _decoder(constant) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=Pairs,
        parse_int=_integer,
        parse_float=lambda _: ODD,
        parse_constant=constant,
    )


def _refuse(_: str) -> object:
    raise NotANumber


STRICT = _decoder(_refuse)
LENIENT = _decoder(lambda _: ODD)


class Parsed(NamedTuple):
    pairs: Pairs
    problem: str | None
    """What is wrong with some string or number of the text, wherever it stands."""


def parsed(text: str, max_depth: int) -> Parsed | str:
    """The members of the object, or why the text is none."""
    has_nul = "\0" in text
    if has_nul:
        text = text.replace("\0", "\\u0000")
    is_number = True
    try:
        try:
            pairs = STRICT.decode(text)
        except NotANumber:
            is_number = False
            pairs = LENIENT.decode(text)
    except RecursionError:
        return "too_deep" if _depth(text) > 0 else "malformed_json"
    except ValueError:
        return "malformed_json"
    if type(pairs) is not Pairs:
        return "malformed_json"
    if text.count("{") + text.count("[") > max_depth and _depth(text) > max_depth:
        return "too_deep"
    escapes = _escape_problem(text) if "\\u" in text else None
    if has_nul or escapes == "nul_character":
        return Parsed(pairs, "nul_character")
    return Parsed(pairs, escapes or (None if is_number else "not_a_number"))


def known_members(pairs: Pairs, known: frozenset[str]) -> dict | str:
    """The members that have these names, or that one of them stands twice."""
    found = {}
    for name, value in pairs:
        if name in known:
            if name in found:
                return "repeated_field"
            found[name] = value
    return found


def members(text: str, known: frozenset[str], max_depth: int) -> dict | str:
    """The known members of the object, or the first thing that is wrong with the text."""
    found = parsed(text, max_depth)
    if isinstance(found, str):
        return found
    names = known_members(found.pairs, known)
    return names if isinstance(names, str) else found.problem or names


def _depth(text: str) -> int:
    """The deepest nesting, or 0 where brackets do not close as they opened."""
    open_brackets: list[str] = []
    deepest = 0
    for bracket in re.findall(r"[\[\]{}]", STRING.sub("", text)):
        if bracket in "[{":
            open_brackets.append(bracket)
            deepest = max(deepest, len(open_brackets))
        elif not open_brackets or open_brackets.pop() + bracket not in ("[]", "{}"):
            return 0
    return 0 if open_brackets else deepest


def _escape_problem(text: str) -> str | None:
    is_lone = False
    high_ends_at = -1
    for match in ESCAPE.finditer(text):
        if match[1] is None:
            continue
        unit = int(match[1], 16)
        if unit == 0:
            return "nul_character"
        if 0xDC00 <= unit <= 0xDFFF and match.start() == high_ends_at:
            high_ends_at = -1
            continue
        if high_ends_at >= 0:
            is_lone = True
        high_ends_at = match.end() if 0xD800 <= unit <= 0xDBFF else -1
        is_lone = is_lone or 0xDC00 <= unit <= 0xDFFF
    return "lone_surrogate" if is_lone or high_ends_at >= 0 else None
