"""What an event counts for: a function of the set of one impression's events (docs/adr/0009)."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .contract import Event

RANK = {"impression": 0, "click": 1, "conversion": 2}

MEASURES = {
    "impression": ("billed", "impressions", "spend_micros"),
    "click": ("billed", "clicks", "spend_micros"),
    "click_conversion": ("billed", "click_conversions", "click_value_micros"),
    "view_conversion": ("billed", "view_conversions", "view_value_micros"),
    "unmatched_click": ("unmatched", "unmatched_clicks", "unmatched_spend_micros"),
    "unmatched_conversion": ("unmatched", "unmatched_conversions", "unmatched_value_micros"),
    "early_click": ("invalid", "early_clicks", "invalid_spend_micros"),
    "early_conversion": ("invalid", "early_conversions", "invalid_value_micros"),
}
"""By what becomes of an event: whether it is billed, and which count and sum it is in."""


class Attribution(NamedTuple):
    """How far apart events may lie, in milliseconds; the bounds are included."""

    window_ms: int
    tolerance_ms: int


class Credit(NamedTuple):
    kind: str
    event: Event
    earner: Event
    """Whose campaign, creative and placement it counts for."""


def credits(events: Iterable[Event], rules: Attribution) -> Iterator[Credit]:
    """What becomes of each event of one impression."""
    ordered = sorted(events, key=lambda e: (e.occurred_us, RANK[e.event_type], e.key))
    shown = next((event for event in ordered if event.event_type == "impression"), None)
    last_click: Event | None = None
    for event in ordered:
        if event.event_type == "impression":
            yield Credit("impression", event, event)
        elif shown is None:
            yield Credit(f"unmatched_{event.event_type}", event, event)
        elif event.occurred_us < shown.occurred_us - rules.tolerance_ms * 1000:
            yield Credit(f"early_{event.event_type}", event, event)
        elif event.event_type == "click":
            last_click = event
            yield Credit("click", event, event)
        elif last_click is not None and event.occurred_us - last_click.occurred_us <= rules.window_ms * 1000:
            yield Credit("click_conversion", event, last_click)
        else:
            yield Credit("view_conversion", event, shown)
