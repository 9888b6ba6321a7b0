import { withFreshDatabase } from '../bench-database.ts';
import { BenchError } from '../errors.ts';
import { loadChoice, rememberChoice } from '../preload/choice-file.ts';
import type { Load } from '../preload/loads-file.ts';
import { chosenFile, topicsOf } from '../preload/preload.ts';
import type { Servers } from '../servers.ts';
import { runTask } from '../tasks/run-task.ts';
import type { ChooseResult, FloorResult } from '../tasks/tasks.ts';

const DEFAULT_BATCH_ROWS = 5_000;

/** A filled topic, and where it is remembered. */
export interface FloorContext {
  readonly servers: Servers;
  readonly load: Load;
  readonly loadsFile: string;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

/** What every task that reads this topic is given. */
export function readingOf({ servers, load, loadsFile }: FloorContext) {
  return {
    kafka: servers.kafka,
    topic: topicsOf(load.topic).events,
    ends: load.ends,
    chosenFile: chosenFile(loadsFile, load),
  };
}

/** Marks the records that the floor loads: once for a filled topic, remembered with it. */
export async function chooseFor(context: FloorContext): Promise<ChooseResult> {
  const { load, signal } = context;
  const reading = readingOf(context);
  const known = loadChoice(reading.chosenFile, load.events);
  if (known !== null) return known;
  context.onProgress('choosing the records that the floor loads');
  const choice = await runTask<'choose'>({ kind: 'choose', ...reading }, signal);
  if (choice.chosen !== load.truth.unique) {
    throw new BenchError(
      `the topic holds ${choice.chosen} unique events, the simulator sent ${load.truth.unique}`,
    );
  }
  rememberChoice(reading.chosenFile, choice);
  return choice;
}

/** One run of the floor, after `chooseFor`. */
export async function measureFloor(context: FloorContext): Promise<FloorResult> {
  const { servers, load, signal } = context;
  context.onProgress('floor: loading the same records without the guarantees');
  const batchRows = Number(process.env['BATCH_MAX_EVENTS'] || DEFAULT_BATCH_ROWS);
  return await withFreshDatabase(servers, 'floor', async (databaseUrl) => {
    const result = await runTask<'floor'>(
      { kind: 'floor', ...readingOf(context), databaseUrl, batchRows },
      signal,
    );
    if (result.stored !== load.truth.unique)
      throw new BenchError(`the floor stored ${result.stored} events`);
    return result;
  });
}
