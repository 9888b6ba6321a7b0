"""What `ops report --json` and `ops events --json` have in common: a period, a campaign, and what it is true as of."""

import json
import pathlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .as_of import Asked
from .attribution import MEASURES, Attribution, Credit, credits
from .contract import Event, born_ms
from .errors import Incomplete, Usage
from .figures import by_impression
from .times import instant_us

COHORT_MS = 30_000
"""Impressions are summed up by the half minute in which they were born."""
WAITING = "waiting"
CLASSES = {
    event_type: [kind for kind in MEASURES if kind.endswith(event_type)] + [WAITING]
    for event_type in ("impression", "click", "conversion")
}


class Told(NamedTuple):
    content: dict
    campaign_id: str | None
    """None where it is of all."""
    from_us: int
    to_us: int
    """Not in it."""
    rules: Attribution
    summed_to_ms: int
    """Cohorts that end later are not summed up yet."""


def load(path: str, members: frozenset[str]) -> Told:
    """
    Raises Usage where the file is not what the command prints, with these members, and Incomplete where nobody outside
    can tell what of the events is in it.
    """
    try:
        content = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Usage(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict) or not members <= content.keys():
        raise Usage(f"{path} is not what it is said to be: it should have {', '.join(sorted(members))}")
    try:
        return _told(path, content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise not_as_printed(path, error) from error


def not_as_printed(path: str, error: Exception) -> Usage:
    """For what comes up where the shape of a file is relied on."""
    return Usage(f"{path} is not as it was printed: {type(error).__name__} {error}")


def _told(path: str, content: dict) -> Told:
    as_of, period = content["as_of"], content["period"]
    if "positions" not in as_of:
        raise Usage(f"{path} was made by an older build: it has no positions")
    if as_of["algorithm"] != "last_click":
        raise Incomplete(f"its algorithm {as_of['algorithm']!r} is not published")
    if int(as_of["waiting_notes"]) > 0:
        raise Incomplete(
            f"{as_of['waiting_notes']} batches with late events waited when it was made, and which of them it counts "
            "nobody can tell: make it again when as_of.waiting_notes is 0"
        )
    summed_to = as_of["summed_to"]
    return Told(
        content,
        content["campaign"],
        instant_us(period["from"]),
        instant_us(period["to"]),
        Attribution(int(as_of["window_ms"]), int(as_of["tolerance_ms"])),
        -1 if summed_to is None else instant_us(summed_to) // 1000,
    )


def asked_by(told: Told) -> Asked:
    """Everything that was counted until then: nothing in it says where its events begin."""
    return Asked(told.content["as_of"]["positions"], told.campaign_id, (told.from_us, told.to_us))


def credited(told: Told, events: Iterable[Event]) -> Iterator[Credit]:
    """What becomes of each event that it should tell of; what is not summed up waits, under its own campaign."""
    for impression_id, of_one in by_impression(events).items():
        if _is_summed_up(told, impression_id):
            found: Iterable[Credit] = credits(of_one, told.rules)
        else:
            found = [Credit(WAITING, event, event) for event in of_one]
        for credit in found:
            is_of_campaign = told.campaign_id in (None, credit.earner.campaign_id)
            if is_of_campaign and told.from_us <= credit.event.occurred_us < told.to_us:
                yield credit


def _is_summed_up(told: Told, impression_id: str) -> bool:
    born = born_ms(impression_id)
    # Those without a time are summed up with whatever was first.
    return told.summed_to_ms >= 0 if born < 0 else (born // COHORT_MS + 1) * COHORT_MS <= told.summed_to_ms


def class_differences(stated: dict, event_types: Iterable[str], found: Iterable[Credit]) -> Iterator[str]:
    """How many events of these types there are of each class."""
    counts = {event_type: dict.fromkeys([*CLASSES[event_type], "stored"], 0) for event_type in event_types}
    for credit in found:
        of_type = counts[credit.event.event_type]
        of_type[credit.kind] += 1
        of_type["stored"] += 1
    for event_type, of_type in counts.items():
        yield from line_differences(f"events {event_type}", stated[event_type], of_type)


def line_differences(name: str, stated: dict, recounted: dict) -> Iterator[str]:
    for figure in sorted(stated.keys() | recounted.keys()):
        ours = recounted.get(figure, "nothing of that name")
        theirs = stated.get(figure, "nothing")
        if (None if theirs is None else str(theirs)) != (None if ours is None else str(ours)):
            yield f"{name} {figure}: the file says {theirs}, the recount {ours}"
