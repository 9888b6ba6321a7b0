"""Whether a statement's file has the form of one: every member, none beside them, texts as they must be."""

import re
from typing import Any

TEXT = re.compile(r"[^\0]*", re.DOTALL)
INTEGER = re.compile(r"0|-?[1-9][0-9]{0,37}")
COUNT = re.compile(r"0|[1-9][0-9]{0,17}")
MONTH = re.compile(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])")
DAY = re.compile(MONTH.pattern + r"-(0[1-9]|[12][0-9]|3[01])")
INSTANT = re.compile(DAY.pattern + r"T([01][0-9]|2[0-3])(:[0-5][0-9]){2}[.][0-9]{3}Z")
HASH = re.compile(r"[0-9a-f]{64}")
ANY = object()
"""What a recount does not look at."""

FIGURES = {
    "currency": TEXT,
    "billed": {
        name: INTEGER
        for name in (
            "impressions", "clicks", "click_conversions", "view_conversions",
            "spend_micros", "click_value_micros", "view_value_micros",
        )
    },
    "unmatched": {
        name: INTEGER
        for name in (
            "unmatched_clicks", "unmatched_conversions", "unmatched_spend_micros", "unmatched_value_micros",
        )
    },
    "invalid": {
        name: INTEGER
        for name in ("early_clicks", "early_conversions", "invalid_spend_micros", "invalid_value_micros")
    },
}
POSITION = {
    "source": COUNT, "kind": TEXT, "topic": TEXT, "topic_id": TEXT,
    "partition": COUNT, "run": TEXT, "next_offset": COUNT,
}
STATEMENT = {
    "schema": TEXT,
    "campaign_id": TEXT,
    "month": MONTH,
    "time_zone": TEXT,
    "issued_at": INSTANT,
    "attribution": {"version": COUNT, "algorithm": TEXT, "window_ms": COUNT, "tolerance_ms": COUNT},
    "as_of": [POSITION],
    "totals": [FIGURES],
    "days": [
        {"day": DAY, "from": INSTANT, "to": INSTANT, "events": COUNT, "fingerprint": HASH, "currencies": [FIGURES]}
    ],
    "adjustments": ANY,
    "events": COUNT,
    "fingerprint": HASH,
    "offsets": [{"source": COUNT, "first_offset": COUNT, "end_offset": COUNT, "events": COUNT}],
    "rollups": ANY,
    "corrects": ANY,
    "digest": HASH,
}


def misfit(value: Any, form: Any = STATEMENT, path: str = "") -> str | None:
    """Where a value is not of the form, as a path; None where it is."""
    if form is ANY:
        return None
    if isinstance(form, re.Pattern):
        return None if isinstance(value, str) and form.fullmatch(value) else path
    if isinstance(form, list):
        if not isinstance(value, list):
            return path
        found = (misfit(item, form[0], f"{path}/{index}") for index, item in enumerate(value))
        return next((place for place in found if place is not None), None)
    if not isinstance(value, dict):
        return path
    for name in form.keys() ^ value.keys():
        return f"{path}/{name}"
    found = (misfit(value[name], form[name], f"{path}/{name}") for name in form)
    return next((place for place in found if place is not None), None)
