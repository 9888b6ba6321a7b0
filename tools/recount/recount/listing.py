"""The events behind a campaign's figures (`ops events --json`), each by itself."""

from collections.abc import Iterator

from .as_of import Found, Places
from .attribution import Credit
from .counting import Place
from .times import instant_us
from .told import Told, class_differences, credited, line_differences

MEMBERS = frozenset(("campaign", "period", "as_of", "events", "classes", "shown", "more"))
EXAMPLES = 5


def compare(told: Told, found: Found) -> tuple[list[str], list[str]]:
    """Every event and number of the list that these events do not come to; and what is to be said beside that."""
    content = told.content
    event_types = content["classes"].keys()
    credits = [
        credit
        for credit in credited(told, found.events.values())
        if credit.event.event_type in event_types
    ]
    differences = [
        *class_differences(content["classes"], event_types, credits),
        *_event_differences(content, credits, found.places),
    ]
    return differences, [] if found.places else ["where the records lie is not compared"]


def _event_differences(content: dict, credits: list[Credit], places: Places | None) -> Iterator[str]:
    unlisted = {credit.event.key: credit for credit in credits}
    for stated in content["events"]:
        credit = unlisted.pop(stated["event_key"], None)
        if credit is None:
            yield f"event {stated['event_key']}: it is none that counts here, or listed twice"
            continue
        name = f"{credit.event.event_type} {credit.event.key}"
        facts = stated | {"occurred_us": instant_us(stated["occurred_at"])}
        ours = _facts(credit)
        yield from line_differences(name, {fact: facts.get(fact, "nothing") for fact in ours}, ours)
        if places:
            yield from _place_differences(name, stated, credit, places)
    listed, more = len(content["events"]), int(content["more"])
    if (int(content["shown"]), listed + more) != (listed, len(credits)):
        yield f"{content['shown']} shown and {more} more: {listed} are listed, {len(credits)} by the recount"
    if more == 0 and unlisted:
        yield f"{len(unlisted)} events are not listed: {', '.join(list(unlisted)[:EXAMPLES])}"


def _facts(credit: Credit) -> dict:
    event = credit.event
    return {
        "type": event.event_type,
        "class": credit.kind,
        "occurred_us": event.occurred_us,
        "impression_id": event.impression_id,
        "click_id": event.click_id or None,
        "conversion_id": event.conversion_id or None,
        "campaign": credit.earner.campaign_id,
        "own_campaign": event.campaign_id,
        "amount_micros": event.amount,
        "currency": event.currency,
    }


def _place_differences(name: str, stated: dict, credit: Credit, places: Places) -> Iterator[str]:
    yield from _misplaced(name, stated, places(credit.event.key))
    by = stated["earned_by"]
    if credit.kind != "click_conversion":
        if by is not None:
            yield f"{name}: the file says that a click earned it, by the recount none did"
    elif by is None or by["click_id"] != credit.earner.click_id:
        yield f"{name}: click {credit.earner.click_id} earned it, the file says {by and by['click_id']}"
    else:
        yield from _misplaced(f"{name}, the click that earned it", by, places(credit.earner.key))


def _misplaced(name: str, stated: dict, expected: list[Place]) -> Iterator[str]:
    """Of what came by a redrive or a replay the offset numbers tries, which no topic knows."""
    place = Place(stated["topic"], int(stated["partition"]), int(stated["offset"]))
    if stated["source_kind"] == "events" and place not in expected:
        yield f"{name}: the file says it lies at {_text(place)}, the recount at {' or '.join(map(_text, expected)) or 'no offset of a partition'}"


def _text(place: Place) -> str:
    return f"{place.topic}/{place.partition}@{place.offset}"
