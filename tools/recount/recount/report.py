"""The figures of a report (`ops report --json`), line by line."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from .as_of import Found
from .attribution import MEASURES, Credit
from .cuts import label_of
from .told import CLASSES, WAITING, Told, class_differences, credited, line_differences

MEMBERS = frozenset(("campaign", "period", "as_of", "by", "counts", "money", "events"))
WAITING_MEASURES = {
    event_type: (f"waiting_{event_type}s", f"waiting_{'value' if event_type == 'conversion' else 'spend'}_micros")
    for event_type in CLASSES
}
COUNTS = sorted(
    {count for _, count, _ in MEASURES.values()}
    | {count for count, _ in WAITING_MEASURES.values()}
    | {f"stored_{event_type}s" for event_type in CLASSES}
    | {"conversions"}
)
MONEY = sorted(
    {money for _, _, money in MEASURES.values()} | {money for _, money in WAITING_MEASURES.values()} | {"value_micros"}
)
BY_HAND = ("adjustments", "adjusted_spend_micros", "adjusted_value_micros")
"""What people booked stands beside the figures: no topic knows of it."""

Line = tuple[str | None, ...]
"""Campaign and label, and the currency of a line of money."""


def compare(told: Told, found: Found) -> tuple[list[str], list[str]]:
    """Every figure of the report that these events do not come to; and what is to be said beside that."""
    report = told.content
    credits = list(credited(told, found.events.values()))
    by_currency = _sums(credits, report["by"], report["period"]["time_zone"])
    over_all: dict[Line, Counter[str]] = {}
    for (*key, _), sums in by_currency.items():
        over_all.setdefault(tuple(key), Counter()).update(sums)
    differences = [
        *class_differences(report["events"], CLASSES, credits),
        *_lines(report, "counts", {key: _count_figures(sums) for key, sums in over_all.items()}, _count_figures),
        *_lines(report, "money", {key: _money_figures(sums) for key, sums in by_currency.items()}, _money_figures),
    ]
    is_adjusted = any(int(line["adjustments"]) > 0 for line in report["money"])
    return differences, ["what was booked by hand is not recounted"] if is_adjusted else []


def _sums(credits: Iterable[Credit], cut: str, zone_name: str) -> dict[Line, Counter[str]]:
    label = label_of(cut, zone_name)
    result: dict[Line, Counter[str]] = {}
    for credit in credits:
        event = credit.event
        key = (credit.earner.campaign_id, label(credit), event.currency)
        sums = result.setdefault(key, Counter())
        is_waiting = credit.kind == WAITING
        count, money = WAITING_MEASURES[event.event_type] if is_waiting else MEASURES[credit.kind][1:]
        sums[count] += 1
        sums[f"stored_{event.event_type}s"] += 1
        sums[money] += event.amount
        if credit.kind in ("click_conversion", "view_conversion"):
            sums["conversions"] += 1
            sums["value_micros"] += event.amount
    return result


def _count_figures(sums: Counter[str]) -> dict:
    return {
        **{name: sums[name] for name in COUNTS},
        "ctr": _rate(sums["clicks"], sums["impressions"]),
        "cvr": _rate(sums["conversions"], sums["clicks"]),
    }


def _money_figures(sums: Counter[str]) -> dict:
    return {
        **{name: sums[name] for name in MONEY},
        "cpm_micros": _quotient(sums["spend_micros"] * 1000, sums["impressions"]),
        "cpc_micros": _quotient(sums["spend_micros"], sums["clicks"]),
    }


def _quotient(dividend: int, divisor: int) -> int | None:
    """Rounded half up."""
    return None if divisor == 0 else (dividend * 2 + divisor) // (divisor * 2)


def _rate(dividend: int, divisor: int) -> str | None:
    millionths = _quotient(dividend * 1_000_000, divisor)
    return None if millionths is None else f"{millionths // 1_000_000}.{millionths % 1_000_000:06}"


def _lines(
    report: dict, member: str, recounted: dict[Line, dict], figures: Callable[[Counter[str]], dict]
) -> Iterator[str]:
    cut = report["by"]
    stated: dict[Line, dict] = {}
    for line in report[member]:
        names = ["campaign", *([] if cut == "campaign" else [cut]), *(["currency"] if member == "money" else [])]
        label = None if cut == "campaign" else line[cut]
        key = (line["campaign"], label, *([line["currency"]] if member == "money" else []))
        if key in stated:
            yield f"{_name(key)}: it has two lines of {member}"
        stated[key] = {name: value for name, value in line.items() if name not in (*names, *BY_HAND)}
    nothing = figures(Counter())
    for key in sorted(stated.keys() | recounted.keys(), key=_name):
        if key in stated or recounted[key] != nothing:
            yield from line_differences(_name(key), stated.get(key, nothing), recounted.get(key, nothing))


def _name(key: Line) -> str:
    return " ".join(part for part in key if part is not None)
