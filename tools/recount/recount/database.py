"""Reads the database with psql, all in one snapshot."""

import csv
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator

from .errors import Configuration, Unavailable

csv.field_size_limit(sys.maxsize)

PARAMETERS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "host": "PGHOST", "port": "PGPORT", "user": "PGUSER"}


def environment(url: str) -> dict[str, str]:
    """What libpq reads a connection from, so that no password stands in a process list."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise Configuration("DATABASE_URL must be postgres://...")
    stated = {
        "PGHOST": parts.hostname,
        "PGPORT": parts.port,
        "PGUSER": parts.username and urllib.parse.unquote(parts.username),
        "PGPASSWORD": os.environ.get("DATABASE_PASSWORD")
        or (parts.password and urllib.parse.unquote(parts.password)),
        "PGDATABASE": urllib.parse.unquote(parts.path[1:]),
    }
    for name, value in urllib.parse.parse_qsl(parts.query):
        if name in PARAMETERS:
            stated[PARAMETERS[name]] = value
    return os.environ | {name: str(value) for name, value in stated.items() if value}


class Snapshot:
    """The rows of some queries, all of one moment; kept in files until it is closed."""

    def __init__(self, queries: dict[str, str]) -> None:
        url = os.environ.get("DATABASE_URL")
        if not url:
            raise Configuration("DATABASE_URL is not set")
        self._folder = tempfile.TemporaryDirectory(prefix="adtally-recount-")
        script = [
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;",
            # Before the snapshot: rows that are moved into their day's partition would else be seen twice (docs/adr/0036).
            "LOCK TABLE events IN ACCESS SHARE MODE;",
            "SET LOCAL TimeZone = 'UTC';",
        ]
        for name, query in queries.items():
            one_line = " ".join(query.split())
            script.append(f"COPY ({one_line}) TO STDOUT WITH (FORMAT csv) \\g '{self._path(name)}'")
        script.append("COMMIT;")
        words = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]
        try:
            ended = subprocess.run(
                words, input="\n".join(script), env=environment(url), capture_output=True, encoding="utf-8"
            )
        except FileNotFoundError as error:
            raise Unavailable("psql is not installed") from error
        if ended.returncode != 0:
            raise Unavailable(f"the database: {ended.stderr.strip()}")

    def _path(self, name: str) -> pathlib.Path:
        return pathlib.Path(self._folder.name, name)

    def rows(self, name: str) -> Iterator[list[str]]:
        """The rows of a query, as texts; null is empty."""
        with self._path(name).open(encoding="utf-8", newline="") as file:
            yield from csv.reader(file)

    def close(self) -> None:
        self._folder.cleanup()


def literal(text: str) -> str:
    """A text inside a statement."""
    return "'" + text.replace("'", "''") + "'"
