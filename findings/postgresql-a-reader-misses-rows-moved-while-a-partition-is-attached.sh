#!/usr/bin/env bash
# PostgreSQL 15.18: a reader beside a transaction that moves rows into a partition it attaches
#
# Rows are moved from a default partition into a table that the same transaction attaches. A SELECT on the parent that
# began meanwhile has looked up which partitions there are, and waits for the lock of the default one. When the
# transaction has committed it finds the rows gone from the default partition and does not know the new one: they are
# missing from its answer. Whoever moves rows so must hold the parent ACCESS EXCLUSIVE as well.
#
# Seen:
#   while 4 of 10 rows are moved: 6
#   afterwards: 10
#
# Needs psql and DATABASE_URL, of a database to play in. Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
sql() { psql -qAtX "$DATABASE_URL" "$@"; }
trap 'wait; sql -c "DROP TABLE IF EXISTS finding" -c "DROP TABLE IF EXISTS finding_1"' EXIT
sql -c 'CREATE TABLE finding (id int) PARTITION BY RANGE (id)' \
  -c 'CREATE TABLE finding_default PARTITION OF finding DEFAULT' \
  -c 'INSERT INTO finding SELECT generate_series(1, 10)' \
  -c 'CREATE TABLE finding_1 (LIKE finding)'
sql <<'SQL' &
BEGIN;
LOCK TABLE finding_default IN ACCESS EXCLUSIVE MODE;
SELECT pg_sleep(3);
WITH moved AS (DELETE FROM finding_default WHERE id <= 4 RETURNING id) INSERT INTO finding_1 SELECT id FROM moved;
ALTER TABLE finding ATTACH PARTITION finding_1 FOR VALUES FROM (1) TO (5);
COMMIT;
SQL
sleep 1.5
during=$(sql -c 'SELECT count(*) FROM finding')
wait
after=$(sql -c 'SELECT count(*) FROM finding')
echo "while 4 of 10 rows are moved: $during"
echo "afterwards: $after"
if [ "$during" != 6 ] || [ "$after" != 10 ]; then
  echo "changed: seen were 6 and 10"
  exit 1
fi
