"""Rows of table `events` and of days that came back beside it, where the topic no longer has their records."""

from collections.abc import Iterable

from .contract import Event
from .database import Snapshot, literal

COLUMNS = """e.event_key, e.impression_id, e.event_type, (extract(epoch FROM e.occurred_at) * 1000000)::bigint,
    e.amount_micros, e.currency, e.campaign_id, e.creative_id, e.placement_id, e.click_id, e.conversion_id"""


STORED = "(SELECT * FROM events UNION ALL SELECT * FROM restored.events)"


def event_of(row: list[str]) -> Event:
    key, impression_id, event_type, occurred_us, amount, *texts = row
    return Event(key, impression_id, event_type, int(occurred_us), int(amount), *texts)


def query_as_of(campaign_id: str | None, positions: Iterable[dict]) -> str:
    """Of all impressions with an event of the campaign, or of all, the events that were stored at these positions."""
    stood = ", ".join(f"({int(one['source'])}, {int(one['next_offset'])}::bigint)" for one in positions)
    if stood == "":
        return f"SELECT {COLUMNS} FROM events e WHERE false"
    impressions = "" if campaign_id is None else f"WHERE campaign_id = {literal(campaign_id)}"
    return f"""SELECT {COLUMNS} FROM {STORED} e JOIN (VALUES {stood}) AS stood (source_id, next_offset)
        ON stood.source_id = e.source_id AND e.source_offset < stood.next_offset
        WHERE e.impression_id IN (SELECT impression_id FROM {STORED} mine {impressions})"""


def query_left(campaign_id: str | None, period: tuple[int, int]) -> str:
    """With how many days events of a time left that count for the campaign, or for any, and did not come back."""
    of_campaign = "" if campaign_id is None else f"AND s.campaign_id = {literal(campaign_id)}"
    first, end = (f"to_timestamp({micros} / 1000000.0)" for micros in period)
    return f"""SELECT count(DISTINCT s.day) FROM retired_campaign_spans s JOIN retired_days d USING (day)
        WHERE d.dropped_at IS NOT NULL AND s.day NOT IN (SELECT day FROM restored.days)
          AND s.first_occurred_at < {end} AND s.last_occurred_at >= {first} {of_campaign}"""


def events_of(snapshot: Snapshot, name: str) -> list[Event]:
    return [event_of(row) for row in snapshot.rows(name)]
