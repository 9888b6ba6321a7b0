"""Rows of table `events`, where the topic no longer has its records."""

from collections.abc import Iterable

from .contract import Event
from .database import Snapshot, literal

COLUMNS = """e.event_key, e.impression_id, e.event_type, (extract(epoch FROM e.occurred_at) * 1000000)::bigint,
    e.amount_micros, e.currency, e.campaign_id, e.creative_id, e.placement_id, e.click_id, e.conversion_id"""


def event_of(row: list[str]) -> Event:
    key, impression_id, event_type, occurred_us, amount, *texts = row
    return Event(key, impression_id, event_type, int(occurred_us), int(amount), *texts)


def query_as_of(campaign_id: str | None, positions: Iterable[dict]) -> str:
    """Of all impressions with an event of the campaign, or of all, the events that were stored at these positions."""
    stood = ", ".join(f"({int(one['source'])}, {int(one['next_offset'])}::bigint)" for one in positions)
    if stood == "":
        return f"SELECT {COLUMNS} FROM events e WHERE false"
    impressions = "" if campaign_id is None else f"WHERE campaign_id = {literal(campaign_id)}"
    return f"""SELECT {COLUMNS} FROM events e JOIN (VALUES {stood}) AS stood (source_id, next_offset)
        ON stood.source_id = e.source_id AND e.source_offset < stood.next_offset
        WHERE e.impression_id IN (SELECT impression_id FROM events {impressions})"""


def events_of(snapshot: Snapshot, name: str) -> list[Event]:
    return [event_of(row) for row in snapshot.rows(name)]
