"""Sums of credits: counts and money by currency, and the fingerprint of what is counted (docs/adr/0032)."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from .attribution import MEASURES, Attribution, Credit, credits
from .contract import Event

LANES = 4
LANE = 1 << 64

Sums = dict[str, dict[str, int]]
"""By currency, then by measure; what is 0 is absent."""


class Days(NamedTuple):
    names: list[str]
    bounds: list[tuple[int, int]]
    """Microseconds since 1970; the second is not in the day."""

    def of(self, instant_us: int) -> int | None:
        """Which day an instant lies in."""
        for index, (first, end) in enumerate(self.bounds):
            if first <= instant_us < end:
                return index
        return None


class DayFigures:
    def __init__(self) -> None:
        self.sums: Sums = {}
        self.lanes = [0] * LANES
        self.events = 0

    def add(self, credit: Credit) -> None:
        event = credit.event
        _, count, money = MEASURES[credit.kind]
        sums = self.sums.setdefault(event.currency, defaultdict(int))
        sums[count] += 1
        sums[money] += event.amount
        self.events += 1
        for index, lane in enumerate(lanes(event)):
            self.lanes[index] = (self.lanes[index] + lane) % LANE

    def fingerprint(self) -> str:
        return "".join(f"{lane:016x}" for lane in self.lanes)


def lanes(event: Event) -> list[int]:
    text = "\n".join(
        (
            event.key,
            event.event_type,
            str(event.occurred_us),
            event.currency,
            str(event.amount),
            event.campaign_id,
        )
    )
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return [int.from_bytes(digest[at : at + 8], "big") for at in range(0, 32, 8)]


def by_impression(events: Iterable[Event]) -> dict[str, list[Event]]:
    grouped: dict[str, list[Event]] = {}
    for event in events:
        grouped.setdefault(event.impression_id, []).append(event)
    return grouped


def figures_of(
    events: Iterable[Event], campaign_id: str, days: Days, rules: Attribution
) -> tuple[list[DayFigures], int]:
    """A campaign's days, and how many events all impressions have that are in them."""
    result = [DayFigures() for _ in days.names]
    behind = 0
    for of_one in by_impression(events).values():
        if not any(event.campaign_id == campaign_id for event in of_one):
            continue
        is_counted = False
        for credit in credits(of_one, rules):
            if credit.earner.campaign_id != campaign_id:
                continue
            day = days.of(credit.event.occurred_us)
            if day is not None:
                result[day].add(credit)
                is_counted = True
        if is_counted:
            behind += len(of_one)
    return result, behind
