"""A statement's file: whether it is whole, and whether a recount agrees with it (docs/adr/0032)."""

import hashlib
import json
import pathlib
from collections.abc import Iterable

from .as_of import Asked
from .attribution import Attribution
from .contract import Event
from .counting import Place
from .errors import Incomplete, Usage
from .figures import DayFigures, Days, Sums, figures_of
from .form import misfit
from .times import days_of_month, instant_us

SCHEMA = "adtally.statement/1"
STANDINGS = ("billed", "unmatched", "invalid")


def load(path: str) -> dict:
    """The statement of a file. Raises Usage where it is none, of another schema, or not as it was issued."""
    try:
        statement = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Usage(f"{path} cannot be read: {error}") from error
    if not isinstance(statement, dict) or "schema" not in statement:
        raise Usage(f"{path} is no statement: it names no schema")
    if statement["schema"] != SCHEMA:
        raise Usage(f"{path}: its schema is {statement['schema']!r}; this program reads {SCHEMA}")
    if (place := misfit(statement)) is not None:
        raise Usage(f"{path} is not as {SCHEMA} must be: {place}")
    sources = [one["source"] for one in statement["as_of"]]
    if len(set(sources)) < len(sources):
        raise Usage(f"{path} says twice where a source stood")
    return statement


def digest(statement: dict) -> str:
    """SHA-256 over the canonical text (RFC 8785) of everything but the digest itself."""
    content = {name: value for name, value in statement.items() if name != "digest"}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def asked_by(statement: dict) -> Asked:
    """Its positions, and the offsets of all events of the impressions in it."""
    # Redrives and replays number their own writes.
    places = {
        one["source"]: (one["topic"], int(one["partition"]))
        for one in statement["as_of"]
        if one["kind"] == "events"
    }
    needed = [
        Place(*places[one["source"]], int(one["first_offset"]))
        for one in statement["offsets"]
        if one["source"] in places
    ]
    days = [(instant_us(day["from"]), instant_us(day["to"])) for day in statement["days"]]
    return Asked(statement["as_of"], statement["campaign_id"], (days[0][0], days[-1][1]), needed)


def attribution_of(statement: dict) -> Attribution:
    rules = statement["attribution"]
    if rules["algorithm"] != "last_click":
        raise Incomplete(f"its algorithm {rules['algorithm']!r} is not published")
    return Attribution(int(rules["window_ms"]), int(rules["tolerance_ms"]))


def days_of(statement: dict) -> Days:
    days = statement["days"]
    return Days(
        [day["day"] for day in days],
        [(instant_us(day["from"]), instant_us(day["to"])) for day in days],
    )


def differences(statement: dict, events: Iterable[Event]) -> list[str]:
    """Every figure of the statement that these events do not come to."""
    found: list[str] = []
    if digest(statement) != statement["digest"]:
        found.append("digest: the file is not as it was issued")
    found += _month_differences(statement)
    recounted, behind = figures_of(
        events, statement["campaign_id"], days_of(statement), attribution_of(statement)
    )
    for day, figures in zip(statement["days"], recounted, strict=True):
        found += _day_differences(day, figures)
    total = DayFigures()
    for figures in recounted:
        total.events += figures.events
        total.lanes = [(a + b) % (1 << 64) for a, b in zip(total.lanes, figures.lanes, strict=True)]
        for currency, sums in figures.sums.items():
            into = total.sums.setdefault(currency, {})
            for measure, value in sums.items():
                into[measure] = into.get(measure, 0) + value
    whole = {"day": "the month", "currencies": statement["totals"]}
    found += _day_differences(whole | {name: statement[name] for name in ("events", "fingerprint")}, total)
    stated = sum(int(one["events"]) for one in statement["offsets"])
    if stated != behind:
        found.append(f"events of its impressions: the statement says {stated}, they are {behind}")
    return found


def _month_differences(statement: dict) -> list[str]:
    """Days that do not begin or end as the time zone database of this machine says."""
    month, zone = statement["month"], statement["time_zone"]
    try:
        expected = days_of_month(month, zone)
    except (KeyError, ValueError) as error:
        raise Incomplete(f"this machine does not know the days of time zone {zone!r}") from error
    stated = [(day["day"], instant_us(day["from"]), instant_us(day["to"])) for day in statement["days"]]
    return [] if stated == expected else [f"days of {month}: they do not begin and end as those of {zone}"]


def _day_differences(stated: dict, figures: DayFigures) -> list[str]:
    name = stated["day"]
    found = []
    currencies = [one["currency"] for one in stated["currencies"]]
    if currencies != sorted(figures.sums):
        found.append(f"{name}: the statement has {currencies}, the recount {sorted(figures.sums)}")
    of_statement, of_recount = _stated_sums(stated["currencies"]), figures.sums
    for currency in sorted(of_statement.keys() | of_recount.keys()):
        left, right = of_statement.get(currency, {}), of_recount.get(currency, {})
        for measure in sorted(left.keys() | right.keys()):
            if left.get(measure, 0) != right.get(measure, 0):
                found.append(
                    f"{name} {currency} {measure}: the statement says {left.get(measure, 0)}, "
                    f"the recount {right.get(measure, 0)}"
                )
    if not found and (stated["events"], stated["fingerprint"]) != (str(figures.events), figures.fingerprint()):
        found.append(f"{name}: its figures are right, its events are not those that were counted")
    return found


def _stated_sums(currencies: list[dict]) -> Sums:
    return {
        one["currency"]: {
            measure: int(value) for standing in STANDINGS for measure, value in one[standing].items()
        }
        for one in currencies
    }
