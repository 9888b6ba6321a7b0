import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { THIS_BUILD } from '../build/build.ts';
import { programOf } from '../build/program.ts';
import { BenchError } from '../errors.ts';

const execute = promisify(execFile);
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const ERROR_TAIL = 2_000;

/**
 * Reads the whole topic again into the database that counted it, by the runner's own command, so many partitions at a
 * time. Returns records a second, from the run's beginning to its end by the database's clock.
 *
 * @throws BenchError where it fails or writes anything
 */
export async function measureReplay(
  env: NodeJS.ProcessEnv & { DATABASE_URL: string },
  records: number,
  parallelism = 1,
): Promise<number> {
  const { main, env: own } = await programOf(THIS_BUILD, 'backfill-runner');
  const args = [
    'replay',
    '--parallelism',
    String(parallelism),
    '--execute',
    '--reason',
    'bench',
    '--json',
  ];
  try {
    await execute(process.execPath, [...THIS_BUILD.nodeOptions, main, ...args], {
      env: { ...env, ...own },
      maxBuffer: OUTPUT_BYTES_MAX,
    });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new BenchError(`the replay failed:\n${(stderr ?? '').slice(-ERROR_TAIL)}`);
  }
  const database = new Client({ connectionString: env.DATABASE_URL });
  await database.connect();
  try {
    const { rows } = await database.query<{ seconds: number; read: number; stored: number }>(
      `SELECT extract(epoch FROM r.ended_at - r.started_at)::float8 AS seconds,
              (SELECT sum(next_offset - first_offset)::float8 FROM replay_progress p WHERE p.run_id = r.run_id) AS read,
              (SELECT coalesce(sum(l.stored), 0)::float8 FROM ledger l JOIN sources s USING (source_id)
               WHERE s.kind = 'replay') AS stored
       FROM replay_runs r ORDER BY r.run_id DESC LIMIT 1`,
    );
    const { seconds = Number.NaN, read = 0, stored = 0 } = rows[0] ?? {};
    if (read !== records) throw new BenchError(`the replay read ${read} of ${records} records`);
    if (stored !== 0) throw new BenchError(`the replay stored ${stored} events again`);
    return records / seconds;
  } finally {
    await database.end();
  }
}
