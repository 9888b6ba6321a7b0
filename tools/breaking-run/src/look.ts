import { sql } from 'kysely';
import { type Sample, samplesOf } from './metrics.ts';
import type { Service } from './services.ts';
import type { World } from './world.ts';

/** What one service showed at one look; `answers` false is what a monitor calls `up == 0`. */
export interface ServiceLook {
  readonly label: string;
  readonly answers: boolean;
  readonly ready: boolean;
  readonly waiting: string;
  readonly status: string;
  readonly samples: readonly Sample[];
}

/** Everything that can be seen from outside at one moment. */
export interface Look {
  readonly services: readonly ServiceLook[];
  /** What the services tell of partitions in the database; empty while it cannot be asked. */
  readonly told: readonly string[];
}

/** Of a monitor that looks twice a second. */
const LIMIT_MS = 1_500;

/** @param limitMs who has not answered by then is silent */
export async function look(world: World, limitMs = LIMIT_MS): Promise<Look> {
  const [services, told] = await Promise.all([
    Promise.all(world.fleet.all.map((service) => lookAtService(service, limitMs))),
    within(toldInDatabase(world), [], limitMs),
  ]);
  return { services, told };
}

async function lookAtService(service: Service, limitMs: number): Promise<ServiceLook> {
  const port = service.process.entries.find(({ msg }) => msg === 'admin listening')?.['port'];
  const get = async (path: string): Promise<[status: number, body: string]> => {
    const signal = AbortSignal.timeout(limitMs);
    const response = await fetch(`http://127.0.0.1:${String(port)}${path}`, { signal });
    return [response.status, await response.text()];
  };
  try {
    const [[code, waiting], [, status], [, metrics]] = await Promise.all([
      get('/readyz'),
      get('/status'),
      get('/metrics'),
    ]);
    const { label } = service;
    return {
      label,
      answers: true,
      ready: code === 200,
      waiting,
      status,
      samples: samplesOf(metrics),
    };
  } catch {
    return { ...SILENT, label: service.label };
  }
}

const SILENT = { answers: false, ready: false, waiting: '', status: '', samples: [] };

/** Reasons of members and of the leader, where this version has them. */
async function toldInDatabase({ db }: World): Promise<string[]> {
  const reports = sql<{ told: string }>`
    SELECT concat_ws(' ', topic, partition, state, reason_code, reason_detail) AS told
      FROM partition_reports WHERE reason_code IS NOT NULL
    UNION ALL
    SELECT concat_ws(' ', topic, partition, state, stuck_code, stuck_detail)
      FROM partition_lag WHERE stuck_code IS NOT NULL`;
  return (await reports.execute(db)).rows.map(({ told }) => told);
}

async function within<T>(work: Promise<T>, otherwise: T, limitMs: number): Promise<T> {
  const late = new Promise<T>((resolve) => {
    setTimeout(() => resolve(otherwise), limitMs).unref();
  });
  return await Promise.race([work.catch(() => otherwise), late]);
}
