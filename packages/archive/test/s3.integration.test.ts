import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasS3Server, testS3, type TestS3 } from '@adtally/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { archivedDays, verifyDay } from '../src/index.ts';
import { MANIFEST_NAME } from '../src/manifest.ts';
import { expectRoundTrip, FOLDER, kept } from './archive-stage.ts';
import { DAY_NAME, flippedFile } from './counted-day.ts';

describe.skipIf(!hasS3Server())('in an S3-compatible store', () => {
  let s3: TestS3;

  beforeAll(async () => {
    s3 = await testS3();
    for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
  }, 300_000);

  afterAll(async () => {
    vi.unstubAllEnvs();
    await s3?.[Symbol.asyncDispose]();
  });

  test('a day goes there and comes back byte by byte', { timeout: 180_000 }, async () => {
    await expectRoundTrip(`s3://${s3.bucket}/of/tests`);
    expect(readdirSync(join(s3.folder, 'of/tests', FOLDER))).toContain(MANIFEST_NAME);
  });

  test('damage is found', { timeout: 180_000 }, async () => {
    const store = await kept(`s3://${s3.bucket}/damaged`);
    const path = join(s3.folder, 'damaged', FOLDER, 'part-00001.parquet');
    writeFileSync(path, await flippedFile(path));
    await expect(verifyDay(store, DAY_NAME)).rejects.toThrow(/says SHA-256/);
    await store.remove(`${FOLDER}/part-00001.parquet`);
    await expect(verifyDay(store, DAY_NAME)).rejects.toThrow(/part-00001.parquet is missing/);
    await store.remove(`${FOLDER}/${MANIFEST_NAME}`);
    await expect(verifyDay(store, DAY_NAME)).rejects.toThrow(/no manifest/);
    expect((await archivedDays(store)).unfinished).toEqual([DAY_NAME]);
  });

  test(
    'a store that is away, refuses us, or lacks the bucket is named',
    { timeout: 180_000 },
    async () => {
      await expect(kept('s3://no-such-bucket/x')).rejects.toMatchObject({
        name: 'ArchiveUnavailable',
        message: expect.stringContaining('NoSuchBucket'),
      });
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
      await expect(kept(`s3://${s3.bucket}/x`)).rejects.toMatchObject({
        name: 'ArchiveUnavailable',
        message: expect.stringContaining('SignatureDoesNotMatch'),
      });
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.env['AWS_SECRET_ACCESS_KEY']);
      await s3.stop();
      await expect(kept(`s3://${s3.bucket}/x`)).rejects.toMatchObject({
        name: 'ArchiveUnavailable',
        message: expect.stringContaining('ECONNREFUSED'),
      });
      await s3.start();
      await verifyDay(await kept(`s3://${s3.bucket}/x`), DAY_NAME);
    },
  );
});
