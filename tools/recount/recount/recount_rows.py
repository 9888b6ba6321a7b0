"""Holds a whole database against the topics it was counted from: rows, what left, money, dead letters, rollups."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from . import left, rows, sources
from .attribution import MEASURES, Attribution, credits
from .contract import Event, Rules, born_ms
from .counting import Count, Place
from .database import Snapshot
from .errors import Incomplete
from .figures import by_impression
from .sources import Source, TopicRules
from .topic import Range, Topics

EXAMPLES = 5
HOUR_US = 3_600_000_000
COHORT_MS = 30_000
SUMS = sorted({name for measures in MEASURES.values() for name in measures[1:]})

QUERIES = sources.QUERIES | left.QUERIES | {
    "events": f"SELECT {rows.COLUMNS} FROM events e",
    "counted": """SELECT topic, topic_id, partition, next_offset FROM sources JOIN cursors USING (source_id)
        WHERE kind = 'events' AND next_offset > 0 AND closed_at IS NULL""",
    "letters": """SELECT topic, partition, source_offset, code FROM dead_letter_refs JOIN sources USING (source_id)
        WHERE kind = 'events'""",
    "copies": """SELECT coalesce(sum(duplicate + conflict), 0) FROM ledger JOIN sources USING (source_id)
        WHERE kind = 'events'""",
    "gaps": """SELECT coalesce(sum(gap), 0) FROM ledger JOIN sources USING (source_id) WHERE kind = 'events'""",
    "lost": "SELECT coalesce(sum(lost), 0) FROM ledger",
    "version": """SELECT v.algorithm, v.window_ms, v.tolerance_ms, g.frontier_ms,
            (SELECT count(*) FROM late_notes), (SELECT count(*) FROM rollup_bases b
             WHERE b.version = v.version AND taken_at IS NULL)
        FROM rollup_promotion p JOIN rollup_versions v USING (version), write_guards g""",
    # What the version could not sum up any more was summed up by another one, by the rules of that.
    "other_rules": """SELECT b.first_cohort, b.last_cohort, v.algorithm, v.window_ms, v.tolerance_ms
        FROM rollup_bases b JOIN rollup_promotion p USING (version) JOIN rollup_versions v ON v.version = b.taken_over_from""",
    "rollups": f"""SELECT (extract(epoch FROM hour) * 1000000)::bigint, campaign_id, currency,
            {", ".join(f"sum({name})" for name in SUMS)}
        FROM rollup_by_campaign JOIN rollup_promotion USING (version) GROUP BY 1, 2, 3""",
}


class Findings(NamedTuple):
    records: int
    events: int
    rejected: int
    differences: list[str]
    unknown: list[str]
    """What could not be told, a sentence each."""
    notes: list[str]


def recount_rows(limits: Rules) -> Findings:
    snapshot = Snapshot(QUERIES)
    topics = Topics()
    try:
        counted = [
            Source(topic, topic_id, int(partition), int(end))
            for topic, topic_id, partition, end in snapshot.rows("counted")
        ]
        if next(snapshot.rows("lost")) != ["0"]:
            raise Incomplete("records were lost before they were counted: the topic is not all there was")
        geneses = sources.geneses_of(snapshot)
        ranges = sources.ranges_of(counted, topics, geneses)
        _require_all(counted, ranges, geneses)
        count = Count(sources.known_of(snapshot))
        count.add(topics.read(ranges), TopicRules(snapshot, limits).at)
        count.close()
        rollups, unknown = _rollup_differences(snapshot, count)
        stored, gone = left.split(snapshot, count.events)
        cannot, notes = left.unknown(gone, has_rollups=not unknown)
        differences = [
            *_row_differences(snapshot, stored),
            *left.differences(snapshot, gone, count),
            *_letter_differences(snapshot, count),
            *_copy_differences(snapshot, count),
            *_gap_differences(snapshot, count, ranges),
            *rollups,
        ]
        if count.undecided:
            unknown.append(f"{len(count.undecided)} events have different copies, of which none that is here is stored")
        records = sum(one.end - one.first for one in ranges)
        return Findings(records, len(count.events), len(count.rejected), differences, [*unknown, *cannot], notes)
    finally:
        topics.close()
        snapshot.close()


def _require_all(counted: list[Source], ranges: list[Range], geneses: dict[tuple[str, str, int], int]) -> None:
    for source, there in zip(counted, ranges, strict=True):
        genesis = geneses[source.topic, source.topic_id, source.partition]
        if there.first > genesis:
            raise Incomplete(
                f"{there.topic}[{there.partition}] begins at {there.first}, and was counted from {genesis}: "
                "retention took the rest"
            )


def _row_differences(snapshot: Snapshot, events: dict[str, Event]) -> Iterator[str]:
    """`events` are those of the topic that are to be stored."""
    missing = dict(events)
    changed: list[str] = []
    added: list[str] = []
    money: Counter[str] = Counter()
    for event in rows.events_of(snapshot, "events"):
        money[event.currency] += event.amount
        expected = missing.pop(event.key, None)
        if expected is None:
            added.append(event.key)
        elif expected != event:
            changed.append(f"{event.key} ({_changed_fields(expected, event)})")
    for what, keys in (
        ("events of the topic are not stored", list(missing)),
        ("stored events are not in the topic", added),
        ("stored events are not as in the topic", changed),
    ):
        if keys:
            yield f"{len(keys)} {what}: {', '.join(keys[:EXAMPLES])}"
    expected_money: Counter[str] = Counter()
    for event in events.values():
        expected_money[event.currency] += event.amount
    for currency in sorted(money.keys() | expected_money.keys()):
        if money[currency] != expected_money[currency]:
            yield f"{currency}: {money[currency]} micros stored, {expected_money[currency]} in the topic"


def _changed_fields(expected: Event, event: Event) -> str:
    return ", ".join(name for name in Event._fields if getattr(expected, name) != getattr(event, name))


def _letter_differences(snapshot: Snapshot, count: Count) -> Iterator[str]:
    stated = {
        Place(topic, int(partition), int(offset)): code
        for topic, partition, offset, code in snapshot.rows("letters")
    }
    differing = [
        f"{place.topic}[{place.partition}] {place.offset}: {stated.get(place)}, by the contract {count.rejected.get(place)}"
        for place in sorted(stated.keys() | count.rejected.keys())
        if stated.get(place) != count.rejected.get(place)
    ]
    if differing:
        yield f"{len(differing)} dead letters differ: {'; '.join(differing[:EXAMPLES])}"


def _copy_differences(snapshot: Snapshot, count: Count) -> Iterator[str]:
    """Between partitions the split of duplicates and conflicts is one of order; their sum is not."""
    ((stated,),) = snapshot.rows("copies")
    copies = count.duplicates + count.conflicts
    if int(stated) != copies:
        yield f"duplicates and conflicts: {stated} by the ledger, {copies} in the topic"


def _gap_differences(snapshot: Snapshot, count: Count, ranges: list[Range]) -> Iterator[str]:
    """Offsets without a record: ends of transactions, what was aborted, what compaction took."""
    ((stated,),) = snapshot.rows("gaps")
    gaps = sum(one.end - one.first for one in ranges) - count.records
    if int(stated) != gaps:
        yield f"gaps: {stated} by the ledger, {gaps} in the topic"


def _rollup_differences(snapshot: Snapshot, count: Count) -> tuple[list[str], list[str]]:
    version = next(snapshot.rows("version"), None)
    if version is None:
        return [], ["rollups: nobody keeps any"]
    algorithm, window_ms, tolerance_ms, frontier_ms, notes, bases = version
    if algorithm != "last_click":
        return [], [f"rollups: {algorithm!r} is not published"]
    if notes != "0" or bases != "0":
        return [], [f"rollups: not summed up yet are {notes} notes of late events and {bases} bases"]
    expected: dict[tuple[int, str, str], Counter[str]] = {}
    own = Attribution(int(window_ms), int(tolerance_ms))
    others = list(snapshot.rows("other_rules"))
    if any(other != "last_click" for _, _, other, _, _ in others):
        return [], ["rollups: some are by an algorithm that is not published"]
    for impression_id, events in by_impression(count.events.values()).items():
        born = born_ms(impression_id)
        # Younger cohorts are summed up later.
        if born >= 0 and (born // COHORT_MS + 1) * COHORT_MS > int(frontier_ms):
            continue
        rules = _rules_at(born // COHORT_MS, others, own)
        for kind, event, earner in credits(events, rules):
            hour = event.occurred_us // HOUR_US * HOUR_US
            sums = expected.setdefault((hour, earner.campaign_id, event.currency), Counter())
            _, counted, money = MEASURES[kind]
            sums[counted] += 1
            sums[money] += event.amount
    found = []
    for hour, campaign, currency, *values in snapshot.rows("rollups"):
        sums = expected.pop((int(hour), campaign, currency), Counter())
        found += [
            f"{campaign} {currency} {name}: {value}, by the events {sums[name]}"
            for name, value in zip(SUMS, values, strict=True)
            if int(value) != sums[name]
        ]
    found += [f"{campaign} {currency}: no rollup has it" for _, campaign, currency in expected]
    return ([f"{len(found)} rollups differ: {'; '.join(found[:EXAMPLES])}"] if found else []), []


def _rules_at(cohort: int, others: list[list[str]], own: Attribution) -> Attribution:
    """By whose rules the impressions of a cohort were summed up."""
    for first, last, _, window_ms, tolerance_ms in others:
        if int(first) <= cohort <= int(last):
            return Attribution(int(window_ms), int(tolerance_ms))
    return own
