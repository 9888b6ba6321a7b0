import {
  archivedDays,
  type ArchiveStore,
  dropRestoredDay,
  type Manifest,
  openArchiveStore,
  purgedDifference,
  requireManifest,
  restoreDay,
  verifyDay,
} from '@adtally/archive';
import { restoredDays } from '@adtally/analytics';
import type { Database } from '@adtally/db';
import {
  command,
  CommandError,
  EXIT,
  formatTable,
  JSON_OPTION,
  option,
  printJson,
  progressLine,
  required,
  say,
} from '@adtally/command-line';
import { day as dayType } from '../day-type.ts';
import type { OpsConfig } from '../env.ts';
import { onDatabase, type OpsEnvironment } from '../on-database.ts';
import { operatorOf, readSignature, SIGNATURE_OPTIONS } from '../order-options.ts';
import { count, money } from '../words.ts';

/** They read and write whole days. */
const NO_TIMEOUT = { statementTimeoutMs: 0 };

const DAY = required(dayType, 'which day of UTC, by when impressions were born');

/** @throws CommandError where no archive is named */
async function storeOf({ archiveUrl }: OpsConfig): Promise<ArchiveStore> {
  if (archiveUrl === '') {
    throw new CommandError(
      'ARCHIVE_URL names no archive: set it to file:///folder or s3://bucket/prefix',
      {
        exitCode: EXIT.configuration,
      },
    );
  }
  return await openArchiveStore(archiveUrl);
}

/** Days of the archive, with rows and money. */
export const list = command({
  description: `Every day that lies in the archive of ARCHIVE_URL, with its events and money by currency. A day without a manifest is
\`unfinished\`: it is still in the database, and archived anew before it is dropped. \`restored\` is one that came back beside the events.`,
  options: { ...JSON_OPTION },
  run: async ({ options }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db, config }) => {
      const store = await storeOf(config);
      const { whole, unfinished } = await archivedDays(store);
      const restored = new Set(await restoredDays(db));
      const manifests: Manifest[] = [];
      for (const day of whole) manifests.push(await requireManifest(store, day));
      if (options.json) {
        const days = manifests.map((manifest) => ({
          ...dayJson(manifest),
          restored: restored.has(manifest.day),
        }));
        printJson({ archive: store.address, days, unfinished });
        return EXIT.success;
      }
      const rows = [
        ...manifests.flatMap((manifest) => dayRows(manifest, restored.has(manifest.day))),
        ...unfinished.map((day) => [day, 'unfinished', '', '', '', '']),
      ].toSorted(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0));
      if (rows.length === 0) say(`${store.address} holds no day`);
      else {
        const header = ['day', 'state', 'events', 'bytes', 'currency', 'money'];
        process.stdout.write(`${formatTable([header, ...rows], new Set([2, 3, 5]))}\n`);
      }
      return EXIT.success;
    }),
});

/** Reads days of the archive in full. */
export const verify = command({
  description: `Reads every file of a day, or of all days: its SHA-256 against the manifest, and the events in it, with all their columns,
against the manifest's figures, and these against what the ledger was told when the day was dropped. Exit code 1 where a day is not as it was archived: the first difference of each is said.`,
  options: { day: option(dayType, 'this day alone'), ...JSON_OPTION },
  run: async ({ options }, environment: OpsEnvironment) => {
    const store = await storeOf(environment.readConfig());
    return await onDatabase(
      environment,
      async ({ db }) => {
        const days = options.day === undefined ? (await archivedDays(store)).whole : [options.day];
        const progress = progressLine();
        const results: { day: string; verified: boolean; difference: string | null }[] = [];
        for (const [index, day] of days.entries()) {
          progress.update(`archive: ${day}, ${index + 1} of ${days.length}`);
          const difference = await differenceOf(db, store, day);
          results.push({ day, verified: difference === null, difference });
        }
        progress.finish();
        const isVerified = results.every(({ verified }) => verified);
        if (options.json)
          printJson({ verified: isVerified, archive: store.address, days: results });
        else {
          const lines = results.map(
            ({ day, difference }) =>
              `${day} ${difference === null ? 'verified' : `NOT verified: ${difference}`}\n`,
          );
          process.stdout.write(lines.join(''));
          if (results.length === 0) say(`${store.address} holds no day`);
        }
        return isVerified ? EXIT.success : EXIT.failure;
      },
      NO_TIMEOUT,
    );
  },
});

async function differenceOf(
  db: Database,
  store: ArchiveStore,
  day: string,
): Promise<string | null> {
  try {
    return (await purgedDifference(db, await verifyDay(store, day))) ?? null;
  } catch (error) {
    if ((error as Error).name === 'ArchiveDamaged') return (error as Error).message;
    throw error;
  }
}

/** Brings a day back beside the events. */
export const restore = command({
  description: `The day comes back into schema restored, never into events: statements, and the events behind figures, read both.
Refused with the first difference where the archive does not verify, and where the day is restored already or still in events
(exit code 4). It comes back whole or not at all.`,
  options: { day: DAY, ...SIGNATURE_OPTIONS, ...JSON_OPTION },
  run: async ({ options }, environment: OpsEnvironment) =>
    await onDatabase(
      environment,
      async ({ config }) => {
        const store = await storeOf(config);
        const operator = operatorOf(readSignature(options), config);
        const { databaseUrl } = config;
        const manifest = await restoreDay({ databaseUrl, store, day: options.day, operator });
        if (options.json) printJson({ ...dayJson(manifest), restored: true });
        else {
          const { day, events } = manifest;
          process.stdout.write(`${day}: ${count(BigInt(events))} events are back, beside events\n`);
          say(`take it away again: ops archive drop-restored --day ${day} --reason TEXT`);
        }
        return EXIT.success;
      },
      NO_TIMEOUT,
    ),
});

/** Takes a restored day away again. */
export const dropRestored = command({
  description: `The archive keeps it. Exit code 4 where the day is not restored.`,
  options: { day: DAY, ...SIGNATURE_OPTIONS, ...JSON_OPTION },
  run: async ({ options }, environment: OpsEnvironment) =>
    await onDatabase(environment, async ({ db, config }) => {
      await dropRestoredDay(db, options.day, operatorOf(readSignature(options), config));
      if (options.json) printJson({ day: options.day, restored: false });
      else process.stdout.write(`${options.day}: dropped; the archive keeps it\n`);
      return EXIT.success;
    }),
});

function dayJson({ day, events, money: sums, files, written_at }: Manifest): object {
  return {
    day,
    events,
    money: sums,
    bytes: String(bytesOf(files)),
    files: files.length,
    written_at,
  };
}

/** A line for each currency. */
function dayRows({ day, events, money: sums, files }: Manifest, isRestored: boolean): string[][] {
  const byCurrency = new Map<string, bigint>();
  for (const { currency, micros } of sums)
    byCurrency.set(currency, (byCurrency.get(currency) ?? 0n) + BigInt(micros));
  const state = isRestored ? 'restored' : 'archived';
  const figures = [count(BigInt(events)), count(bytesOf(files))];
  const lines = [...byCurrency].map(([currency, micros], index) =>
    index === 0
      ? [day, state, ...figures, currency, money(micros)]
      : [day, '', '', '', currency, money(micros)],
  );
  return lines.length === 0 ? [[day, state, ...figures, '', '']] : lines;
}

function bytesOf(files: Manifest['files']): bigint {
  return files.reduce((sum, { bytes }) => sum + BigInt(bytes), 0n);
}
