"""The command: python -m recount statement FILE, python -m recount rows."""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from . import statement as statement_file
from .contract import Rules
from .errors import Configuration, Failure, Incomplete
from .recount_rows import recount_rows
from .recount_statement import recount_statement

SHOWN = 20


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    limits = Rules(options.record_max_bytes, options.json_max_depth)
    try:
        if options.command == "statement":
            result = _statement(options.file, options.source, limits)
        else:
            result = _rows(limits)
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
    statement.add_argument("file", help="the document, as issued")
    statement.add_argument("--source", choices=("auto", "topic", "rows"), default="auto", help="what to recount from")
    rows = commands.add_parser("rows", help="hold a whole database against the topics it was counted from")
    for command in (statement, rows):
        command.add_argument("--record-max-bytes", type=int, default=Rules().max_value_bytes)
        command.add_argument("--json-max-depth", type=int, default=Rules().max_depth)
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _statement(file: str, source: str, limits: Rules) -> dict:
    statement = statement_file.load(file)
    verdict = recount_statement(statement, source, limits)
    return {
        "what": f"statement of {statement['campaign_id']}, {statement['month']}",
        "source": verdict.source,
        "events": verdict.events,
        "differences": verdict.differences,
        "unknown": [],
        "notes": [verdict.note] if verdict.note else [],
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
        "notes": [],
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
