"""The events that were counted at some positions: from the topic while it has what is needed, else from the rows."""

import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from . import rows, sources
from .contract import Event, Rules
from .counting import Count, Known, Place
from .database import Snapshot, literal
from .errors import Configuration, Incomplete
from .sources import Source, TopicRules
from .topic import Topics

Places = Callable[[str], list[Place]]


class Asked(NamedTuple):
    positions: list[dict]
    """How far every source was counted, as statements and reports write it."""
    campaign_id: str | None
    """Of whose impressions all events are needed; of every one where it is None."""
    period: tuple[int, int]
    """When they happened, half-open, in microseconds since 1970."""
    needed: list[Place] | None = None
    """The first offsets that the topic must still have, of the partitions of which it must have any; else all."""


class Found(NamedTuple):
    source: str
    """`topic` or `rows`."""
    events: dict[str, Event]
    """By key."""
    places: Places | None
    """Where the stored copy of an event can lie; rows are not asked that."""
    note: str = ""


def read(asked: Asked, source: str, limits: Rules) -> Found:
    """`source` is `topic`, `rows`, or `auto`: the topic where it still has all, else the rows."""
    if source == "rows":
        return _from_rows(asked, "")
    try:
        return _from_topic(asked, limits)
    except Incomplete as reason:
        if source == "topic" or not os.environ.get("DATABASE_URL"):
            raise
        return _from_rows(asked, f"not from the topic: {reason}")


def _from_rows(asked: Asked, note: str) -> Found:
    snapshot = Snapshot(
        {
            "events": rows.query_as_of(asked.campaign_id, asked.positions),
            "left": rows.query_left(asked.campaign_id, asked.period),
        }
    )
    try:
        ((days,),) = snapshot.rows("left")
        if days != "0":
            reason = f"{note}; " if note else ""
            raise Incomplete(f"{reason}events of that time left the database with {days} days")
        events = {event.key: event for event in rows.events_of(snapshot, "events")}
    finally:
        snapshot.close()
    return Found("rows", events, None, note)


def _from_topic(asked: Asked, limits: Rules) -> Found:
    if not os.environ.get("KAFKA_BROKERS"):
        raise Configuration("KAFKA_BROKERS is not set")
    counted = [
        Source(one["topic"], one["topic_id"], int(one["partition"]), int(one["next_offset"]))
        for one in asked.positions
        if one["kind"] == "events"
    ]
    by_hand = [one for one in asked.positions if one["kind"] != "events"]
    has_database = bool(os.environ.get("DATABASE_URL"))
    if by_hand and not has_database:
        raise Incomplete("events came by redrives or replays, of which only the database knows: set DATABASE_URL")
    snapshot = Snapshot(_queries(by_hand, asked.campaign_id)) if has_database else None
    topics = Topics()
    try:
        geneses = sources.geneses_of(snapshot)
        ranges = sources.ranges_of(counted, topics, geneses)
        log_starts = {(one.topic, one.partition): one.first for one in ranges}
        everything = [
            Place(topic, partition, geneses.get((topic, topic_id, partition), 0))
            for topic, topic_id, partition, _ in counted
        ]
        for topic, partition, needed in everything if asked.needed is None else asked.needed:
            first = log_starts.get((topic, partition), 0)
            if first > needed:
                raise Incomplete(f"{topic}[{partition}] begins at {first}, the events that are needed at {needed}")
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
    if undecided := _undecided(count, asked.campaign_id):
        raise Incomplete(
            f"of {undecided} events there are different copies in different partitions, and only the database says "
            "which was committed first: set DATABASE_URL"
        )
    return Found("topic", count.events, count.places)


def _queries(by_hand: list[dict], campaign_id: str | None) -> dict[str, str]:
    """As of the positions: what was redriven since then is none of these events."""
    stood = ", ".join(f"({int(one['source'])}, {int(one['next_offset'])}::bigint)" for one in by_hand)
    of_campaign = "" if campaign_id is None else f"WHERE campaign_id = {literal(campaign_id)}"
    admitted = (
        f"""SELECT e.event_key FROM events e JOIN (VALUES {stood}) AS stood (source_id, next_offset)
            ON stood.source_id = e.source_id AND e.source_offset < stood.next_offset
            WHERE e.impression_id IN (SELECT impression_id FROM events {of_campaign})"""
        if stood
        else "SELECT NULL WHERE false"
    )
    return sources.QUERIES | {"admitted": admitted}


def _undecided(count: Count, campaign_id: str | None) -> int:
    """Of impressions that are not the campaign's nothing need be decided."""
    if campaign_id is None:
        return len(count.undecided)
    events: Iterable[Event] = count.events.values()
    mine = {event.impression_id for event in events if event.campaign_id == campaign_id}
    return sum(count.events[key].impression_id in mine for key in count.undecided)
