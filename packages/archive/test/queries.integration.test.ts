import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { ParquetArchive, openArchiveStore } from '../src/index.ts';
import { countedDays, DAY, ALONE, retiredDay, UNENDING } from './counted-day.ts';

const DOCUMENT = join(import.meta.dirname, '../../../docs/archive.md');

/** The first SQL that the document shows, which is DuckDB's. */
function documentedQuery(folder: string): string {
  const [, query = ''] = /```sql\n([^`]*)```/.exec(readFileSync(DOCUMENT, 'utf8')) ?? [];
  expect(query).toContain('read_parquet');
  return query.replace('ARCHIVE', folder);
}

test(
  'the documented query of DuckDB finds in an archive what the database had',
  { timeout: 180_000 },
  async () => {
    await using database = await countedDays();
    const folder = mkdtempSync(join(tmpdir(), 'adtally-archive-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const store = await openArchiveStore(pathToFileURL(folder).href);
    await new ParquetArchive({ databaseUrl: database.url, store }).keep(
      await retiredDay(database.url),
      UNENDING,
      ALONE,
    );
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    onTestFinished(() => {
      connection.closeSync();
      instance.closeSync();
    });
    const reader = await connection.runAndReadAll(documentedQuery(folder));
    const { rows } = await sql<{ campaign: string; currency: string; impressions: string }>`
    SELECT campaign_id AS campaign, currency, count(*)::text AS impressions
    FROM events WHERE impression_id >= ${DAY.fromId} AND impression_id < ${DAY.toId}
      AND rollup_cohort(impression_id) >= 0 AND event_type = 'impression'
    GROUP BY 1, 2 ORDER BY campaign_id COLLATE "C", 2`.execute(database.db);
    const found = reader.getRows().map(([, campaign, currency, impressions]) => ({
      campaign,
      currency,
      impressions: String(impressions),
    }));
    expect(found).toEqual(rows);
    expect(found.length).toBeGreaterThan(10);
    const schema = await connection.runAndReadAll(
      `SELECT name, type, converted_type, logical_type FROM parquet_schema('${folder}/day=2026-03-01/part-00000.parquet')`,
    );
    const typeOf = (column: string) =>
      schema
        .getRows()
        .find(([name]) => name === column)
        ?.slice(1);
    expect(typeOf('amount_micros')?.[0]).toBe('INT64');
    expect(String(typeOf('occurred_at')?.[2])).toMatch(/Timestamp.*isAdjustedToUTC=1.*MICROS/);
    expect(typeOf('event_key')?.[1]).toBe('UTF8');
  },
);
