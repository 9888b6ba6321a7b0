"""The command: python -m recount statement|report|events FILE, python -m recount rows."""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from . import as_of, listing, report, told
from . import statement as statement_file
from .contract import Rules
from .errors import Configuration, Failure, Incomplete
from .recount_rows import recount_rows

SHOWN = 20
FIGURES = {"report": report, "events": listing}


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    limits = Rules(options.record_max_bytes, options.json_max_depth)
    try:
        if options.command == "rows":
            result = _rows(limits)
        elif options.command == "statement":
            result = _statement(options.file, options.source, limits)
        else:
            result = _figures(options.command, options.file, options.source, limits)
    except Failure as failure:
        print(f"recount: {failure}", file=sys.stderr)
        return failure.exit_code
    if options.json:
        print(json.dumps(result))
    else:
        _tell(result)
    if result["differences"]:
        return Failure.exit_code
    return Incomplete.exit_code if result["unknown"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="recount", description=__doc__, epilog="See tools/recount/README.md.")
    commands = parser.add_subparsers(dest="command", required=True)
    statement = commands.add_parser("statement", help="recount what a statement says")
    report_of = commands.add_parser("report", help="recount what `ops report --json` printed")
    events = commands.add_parser("events", help="recount what `ops events --json` printed")
    for command in (statement, report_of, events):
        command.add_argument("file", help="what was issued or printed, as it is")
        command.add_argument("--source", choices=("auto", "topic", "rows"), default="auto", help="what to recount from")
    rows = commands.add_parser("rows", help="hold a whole database against the topics it was counted from")
    for command in (statement, report_of, events, rows):
        command.add_argument("--record-max-bytes", type=int, default=Rules().max_value_bytes)
        command.add_argument("--json-max-depth", type=int, default=Rules().max_depth)
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _statement(file: str, source: str, limits: Rules) -> dict:
    statement = statement_file.load(file)
    found = as_of.read(statement_file.asked_by(statement), source, limits)
    what = f"statement of {statement['campaign_id']}, {statement['month']}"
    return _result(what, found, statement_file.differences(statement, found.events.values()))


def _figures(command: str, file: str, source: str, limits: Rules) -> dict:
    kind = FIGURES[command]
    printed = told.load(file, kind.MEMBERS)
    found = as_of.read(told.asked_by(printed), source, limits)
    try:
        differences, notes = kind.compare(printed, found)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise told.not_as_printed(file, error) from error
    campaign = "all campaigns" if printed.campaign_id is None else printed.campaign_id
    period = printed.content["period"]
    return _result(f"{command} of {campaign}, {period['from']} to {period['to']}", found, differences, notes)


def _result(what: str, found: as_of.Found, differences: list[str], notes: Sequence[str] = ()) -> dict:
    return {
        "what": what,
        "source": found.source,
        "events": len(found.events),
        "differences": differences,
        "unknown": [],
        "notes": [*([found.note] if found.note else []), *notes],
    }


def _rows(limits: Rules) -> dict:
    if not os.environ.get("KAFKA_BROKERS"):
        raise Configuration("KAFKA_BROKERS is not set")
    found = recount_rows(limits)
    return {
        "what": f"database: {found.records} offsets, {found.events} events, {found.rejected} rejected",
        "source": "topic",
        "events": found.events,
        "differences": found.differences,
        "unknown": found.unknown,
        "notes": found.notes,
    }


def _tell(result: dict) -> None:
    for line in [*result["notes"], *result["unknown"]]:
        print(f"note: {line}")
    differences = result["differences"]
    verdict = "does NOT agree" if differences else "agrees"
    print(f"{result['what']}: the recount from {result['source']} {verdict} ({result['events']} events read)")
    for line in differences[:SHOWN]:
        print(line)
    if len(differences) > SHOWN:
        print(f"and {len(differences) - SHOWN} more")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
