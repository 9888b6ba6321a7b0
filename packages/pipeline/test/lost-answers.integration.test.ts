import { answersCommit, proxyFor, sendsCommit, waitFor } from '@adtally/testkit';
import { describe, expect, it } from 'vitest';
import { useBench } from './support/bench.ts';
import { EVERYTHING_NEW } from './support/predictions.ts';
import { garbage } from './support/records.ts';

const bench = useBench();

/** The epochs of a log's ledger rows that passed records. */
async function ledgerRows(sourceId: number): Promise<number> {
  const [row] = await bench.control.query<{ n: string }>(
    'SELECT count(*) AS n FROM ledger WHERE source_id = $1::int AND first_offset IS NOT NULL',
    [sourceId],
  );
  return Number(row?.n);
}

describe('when nobody answers the commit', () => {
  it('I2: a commit that arrived is recognised and not written twice', async () => {
    await using proxy = await proxyFor(bench.url);
    const log = await bench.log(2);
    log.append(0, [...log.manyShown(20), garbage()]);
    log.append(1, log.manyShown(5, 10));
    const writer = bench.writer(log, {
      databaseUrl: proxy.urlFor(bench.url),
      dlqTopic: await bench.topic(),
    });
    await writer.claim(0, 1);
    const cut = proxy.cutBeforeAnswerTo(sendsCommit, answersCommit);
    const outcome = await writer.commit(writer.work(log.records));
    await cut;
    expect(outcome.fenced).toEqual([]);
    expect(await writer.ambiguous('committed')).toBe(2);
    expect(await writer.ambiguous('retried')).toBe(0);
    expect(await ledgerRows(log.sourceId(0))).toBe(1);
    expect(await bench.totals(log)).toMatchObject({ consumed: 26, stored: 20, duplicate: 5 });
    // The renewed session goes on where the lost one stood.
    log.append(0, log.manyShown(5, 100));
    await writer.drain();
    expect(await bench.totals(log)).toMatchObject({ consumed: 31, stored: 25 });
    await bench.expectSound();
  });

  it.each([
    ['by COPY', EVERYTHING_NEW],
    ['by INSERT', undefined],
  ])('I3: a commit that never arrived is written again, %s', async (_how, dedup) => {
    await using proxy = await proxyFor(bench.url);
    const log = await bench.log(2);
    log.append(0, log.manyShown(20));
    log.append(1, log.manyShown(5, 50));
    const databaseUrl = proxy.urlFor(bench.url);
    const writer = bench.writer(
      log,
      dedup === undefined ? { databaseUrl } : { databaseUrl, dedup },
    );
    await writer.claim(0, 1);
    const cut = proxy.cutBeforeForwarding(sendsCommit);
    await writer.drain();
    await cut;
    expect(await writer.ambiguous('retried')).toBe(2);
    expect(await writer.ambiguous('committed')).toBe(0);
    expect(await bench.totals(log)).toMatchObject({ consumed: 25, stored: 25, duplicate: 0 });
    expect(await ledgerRows(log.sourceId(0))).toBe(1);
    await bench.expectSound();
  });

  it('I3: lost again and again, it is written once', async () => {
    await using proxy = await proxyFor(bench.url);
    const log = await bench.log();
    log.append(0, log.manyShown(40));
    const writer = bench.writer(log, { databaseUrl: proxy.urlFor(bench.url) });
    await writer.claim(0);
    let cuts = 0;
    proxy.onClientData((chunk) => {
      if (cuts === 6 || !sendsCommit(chunk)) return 'forward';
      cuts += 1;
      // In turns: the server gets the commit, or does not.
      return cuts % 2 === 0 ? 'cut-after' : 'cut';
    });
    await writer.drain(10);
    expect(cuts).toBe(6);
    expect((await writer.ambiguous('committed')) + (await writer.ambiguous('retried'))).toBe(6);
    expect(await bench.totals(log)).toMatchObject({ consumed: 40, stored: 40, duplicate: 0 });
    await bench.expectSound();
  });
});

it('I3: a backend ended in the middle of COPY leaves nothing, and the batch is written again', async () => {
  await using proxy = await proxyFor(bench.url);
  const log = await bench.log();
  log.append(0, log.manyShown(8_000));
  const writer = bench.writer(log, {
    databaseUrl: proxy.urlFor(bench.url),
    dedup: EVERYTHING_NEW,
  });
  await writer.claim(0);
  // Half of the rows are with the server, then the network stands still.
  let copied = 0;
  proxy.onClientData((chunk) => {
    copied += chunk.length;
    if (copied > 300_000) proxy.blackhole(true);
    return 'forward';
  });
  const writing = writer.drain();
  const copying = await waitFor(
    async () =>
      (
        await bench.control.query<{ pid: number }>(
          `SELECT c.pid FROM pg_stat_progress_copy c JOIN pg_stat_activity a USING (pid)
           WHERE c.datname = current_database() AND a.wait_event = 'ClientRead'`,
        )
      )[0],
    { what: 'a COPY that waits for its client' },
  );
  await bench.control.query('SELECT pg_terminate_backend($1::int)', [copying.pid]);
  proxy.onClientData(undefined);
  proxy.blackhole(false);
  await writing;
  expect(await writer.ambiguous('retried')).toBe(1);
  expect(await bench.totals(log)).toMatchObject({ consumed: 8_000, stored: 8_000 });
  expect(await bench.stored(log)).toHaveLength(8_000);
  await bench.expectSound();
});

it('I13: a server that falls silent is given up after the statement time-out, and asked again', async () => {
  await using proxy = await proxyFor(bench.url);
  const log = await bench.log();
  log.append(0, log.manyShown(10));
  const writer = bench.writer(log, {
    databaseUrl: proxy.urlFor(bench.url),
    statementTimeoutMs: 100,
    lockTimeoutMs: 50,
  });
  await writer.claim(0);
  let swallowed = 0;
  proxy.onClientData((chunk) => {
    if (swallowed > 0 || !sendsCommit(chunk)) return 'forward';
    swallowed += 1;
    return 'drop';
  });
  await writer.drain();
  expect(swallowed).toBe(1);
  expect(await writer.ambiguous('retried')).toBe(1);
  expect(await bench.totals(log)).toMatchObject({ consumed: 10, stored: 10 });
  await bench.expectSound();
});
