"""What the database says of where records were read, and by whose hand: never what they hold."""

import json
from typing import NamedTuple

from .contract import Rules
from .counting import Known, Place
from .database import Snapshot
from .errors import Incomplete
from .topic import Range, Topics

QUERIES = {
    # A redriven letter says so for good, its event may have left.
    "admitted": """SELECT event_key FROM events JOIN sources USING (source_id) WHERE kind IN ('redrive', 'replay')
        UNION SELECT event_key FROM dead_letters WHERE outcome = 'stored'""",
    "kept_out": """SELECT topic, partition, source_offset, code FROM dead_letter_refs JOIN sources USING (source_id)
        WHERE kind = 'events' AND code IN ('data_refused', 'transient_downstream', 'expired')""",
    # A copy of another payload than the stored one is in `conflicts`, wherever it lay.
    "stored_at": """SELECT e.event_key, s.topic, s.partition, e.source_offset
        FROM (SELECT DISTINCT impression_id, event_key FROM conflicts) c JOIN events e USING (impression_id, event_key)
        JOIN sources s ON s.source_id = e.source_id AND s.kind = 'events'""",
    "not_stored": """SELECT topic, partition, source_offset FROM conflicts JOIN sources USING (source_id)
        WHERE kind = 'events'""",
    # Records before the first are none of ours: START_AT said where to begin.
    "geneses": """SELECT topic, topic_id, partition, end_offset FROM ledger JOIN sources USING (source_id)
        WHERE kind = 'events' AND ledger.first_offset IS NULL""",
    "rules": "SELECT topic, value_format, amounts_as_strings, future_tolerance_seconds FROM topic_rules",
    "changes": """SELECT detail FROM operator_actions WHERE action = 'set-topic-rules' ORDER BY action_id""",
}
"""To be read in one snapshot with whatever is compared."""

VALUE_FORMATS = ("plain", "auto")


class Source(NamedTuple):
    """A partition of a topic, as far as it was counted."""

    topic: str
    topic_id: str
    partition: int
    next_offset: int


def known_of(snapshot: Snapshot) -> Known:
    return Known(
        admitted=frozenset(key for (key,) in snapshot.rows("admitted")),
        kept_out={
            Place(topic, int(partition), int(offset)): code
            for topic, partition, offset, code in snapshot.rows("kept_out")
        },
        stored_at={
            key: Place(topic, int(partition), int(offset))
            for key, topic, partition, offset in snapshot.rows("stored_at")
        },
        not_stored=frozenset(
            Place(topic, int(partition), int(offset)) for topic, partition, offset in snapshot.rows("not_stored")
        ),
    )


class TopicRules:
    """By which rules each offset of a topic was read; the defaults where nobody says anything else."""

    def __init__(self, snapshot: Snapshot | None, limits: Rules) -> None:
        self._limits = limits
        self._now: dict[str, Rules] = {}
        self._before: dict[tuple[str, int], list[tuple[int, Rules]]] = {}
        """By partition, in order: rules that held for offsets before one."""
        if snapshot is None:
            return
        for topic, value_format, amounts_as_strings, seconds in snapshot.rows("rules"):
            self._now[topic] = self._with(value_format, amounts_as_strings == "t", int(seconds) * 1000)
        for (detail,) in snapshot.rows("changes"):
            change = json.loads(detail)
            topic, before = change["topic"], change["before"]
            rules = self._with(before["valueFormat"], before["amountsAsStrings"], before["futureToleranceMs"])
            for partition, end in change["from"].items():
                self._before.setdefault((topic, int(partition)), []).append((end, rules))

    def at(self, place: Place) -> Rules:
        """The rules that held when this record was counted."""
        for end, rules in self._before.get(place[:2], ()):
            if place.offset < end:
                return rules
        return self._now.get(place.topic, self._limits)

    def _with(self, value_format: str, amounts_as_strings: bool, future_tolerance_ms: int) -> Rules:
        if value_format not in VALUE_FORMATS:
            raise Incomplete(f"value format {value_format!r} is not published")
        return self._limits._replace(
            amounts_as_strings=amounts_as_strings,
            future_tolerance_ms=future_tolerance_ms,
            is_wrapped=value_format == "auto",
        )


def geneses_of(snapshot: Snapshot | None) -> dict[tuple[str, str, int], int]:
    """The first offset that was counted, by topic, its id and partition; empty where there is no database to say so."""
    if snapshot is None:
        return {}
    return {
        (topic, topic_id, int(partition)): int(first)
        for topic, topic_id, partition, first in snapshot.rows("geneses")
    }


def ranges_of(
    sources: list[Source], topics: Topics, geneses: dict[tuple[str, str, int], int]
) -> list[Range]:
    """All that was counted of the sources and is still there. Raises Incomplete where a topic is another one now."""
    ids = {source.topic: topics.topic_id(source.topic) for source in sources}
    ranges: dict[tuple[str, int], Range] = {}
    for topic, topic_id, partition, next_offset in sources:
        if ids[topic] != topic_id:
            raise Incomplete(f"topic {topic} is gone, or another one than was counted")
        if (topic, partition) in ranges:
            raise Incomplete(f"{topic}[{partition}] was cut and counted as two sources")
        first, end = topics.log(topic, partition)
        if end < next_offset:
            raise Incomplete(f"{topic}[{partition}] ends at {end}, and was counted to {next_offset}")
        genesis = geneses.get((topic, topic_id, partition), 0)
        ranges[topic, partition] = Range(topic, partition, max(first, genesis), next_offset)
    return list(ranges.values())
