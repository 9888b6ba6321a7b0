"""Recounts a statement: from the topic for as long as it has what is needed, else from the rows."""

import os
from collections.abc import Iterable
from typing import NamedTuple

from . import rows, sources
from .contract import Event, Rules
from .counting import Count, Known
from .database import Snapshot, literal
from .errors import Configuration, Incomplete
from .sources import Source, TopicRules
from .statement import differences
from .topic import Topics


class Verdict(NamedTuple):
    source: str
    """`topic` or `rows`."""
    events: int
    differences: list[str]
    note: str = ""


def recount_statement(statement: dict, source: str, limits: Rules) -> Verdict:
    """`source` is `topic`, `rows`, or `auto`: the topic where it still has all, else the rows."""
    if source != "rows":
        try:
            return _from_topic(statement, limits)
        except Incomplete as reason:
            if source == "topic" or not os.environ.get("DATABASE_URL"):
                raise
            return _from_rows(statement, f"not from the topic: {reason}")
    return _from_rows(statement, "")


def _from_rows(statement: dict, note: str) -> Verdict:
    snapshot = Snapshot({"events": rows.query_as_of(statement["campaign_id"], statement["as_of"])})
    try:
        events = rows.events_of(snapshot, "events")
    finally:
        snapshot.close()
    return Verdict("rows", len(events), differences(statement, events), note)


def _from_topic(statement: dict, limits: Rules) -> Verdict:
    if not os.environ.get("KAFKA_BROKERS"):
        raise Configuration("KAFKA_BROKERS is not set")
    counted = [
        Source(one["topic"], one["topic_id"], int(one["partition"]), int(one["next_offset"]))
        for one in statement["as_of"]
        if one["kind"] == "events"
    ]
    by_hand = [one["kind"] for one in statement["as_of"] if one["kind"] != "events"]
    has_database = bool(os.environ.get("DATABASE_URL"))
    if by_hand and not has_database:
        raise Incomplete("events came by redrives or replays, of which only the database knows: set DATABASE_URL")
    snapshot = Snapshot(_queries(statement)) if has_database else None
    topics = Topics()
    try:
        ranges = sources.ranges_of(counted, topics, sources.geneses_of(snapshot))
        _require_whole(statement, {(one.topic, one.partition): one.first for one in ranges})
        known = sources.known_of(snapshot) if snapshot else Known()
        count = Count(known)
        count.add(topics.read(ranges), TopicRules(snapshot, limits).at)
        count.close()
    finally:
        topics.close()
        if snapshot:
            snapshot.close()
    if gone := sum(key not in count.events for key in known.admitted):
        raise Incomplete(f"{gone} events came by redrives or replays, and the topic no longer has their records")
    if undecided := _undecided(count, statement["campaign_id"]):
        raise Incomplete(
            f"of {undecided} events there are different copies in different partitions, and only the database says "
            "which was committed first: set DATABASE_URL"
        )
    return Verdict("topic", len(count.events), differences(statement, count.events.values()))


def _queries(statement: dict) -> dict[str, str]:
    """As of the statement: what was redriven since then is none of its events."""
    stood = ", ".join(
        f"({int(one['source'])}, {int(one['next_offset'])}::bigint)"
        for one in statement["as_of"]
        if one["kind"] != "events"
    )
    admitted = (
        f"""SELECT e.event_key FROM events e JOIN (VALUES {stood}) AS stood (source_id, next_offset)
            ON stood.source_id = e.source_id AND e.source_offset < stood.next_offset
            WHERE e.impression_id IN
              (SELECT impression_id FROM events WHERE campaign_id = {literal(statement["campaign_id"])})"""
        if stood
        else "SELECT NULL WHERE false"
    )
    return sources.QUERIES | {"admitted": admitted}


def _require_whole(statement: dict, log_starts: dict[tuple[str, int], int]) -> None:
    # Redrives and replays number their own writes.
    places = {
        one["source"]: (one["topic"], int(one["partition"]))
        for one in statement["as_of"]
        if one["kind"] == "events"
    }
    for one in statement["offsets"]:
        if one["source"] not in places:
            continue
        topic, partition = places[one["source"]]
        first = log_starts.get((topic, partition), 0)
        if first > int(one["first_offset"]):
            raise Incomplete(f"{topic}[{partition}] begins at {first}, the statement's events at {one['first_offset']}")


def _undecided(count: Count, campaign_id: str) -> int:
    """Of impressions that are not the campaign's nothing need be decided."""
    events: Iterable[Event] = count.events.values()
    mine = {event.impression_id for event in events if event.campaign_id == campaign_id}
    return sum(count.events[key].impression_id in mine for key in count.undecided)
