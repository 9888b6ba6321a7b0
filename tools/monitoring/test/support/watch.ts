import type { Fleet } from '@adtally/breaking-run';
import { testPrometheus, waitFor, type TargetGroup, type TestPrometheus } from '@adtally/testkit';
import type { Deployment } from './deployment.ts';

const LOOK_MS = 250;
const CALM_LIMIT_MS = 120_000;

/** One Prometheus that scrapes several deployments; a killed process is no target any more, as on a platform. */
export class Watch {
  readonly prometheus: TestPrometheus;
  readonly #fleets = new Map<string, Fleet>();
  readonly #timer: NodeJS.Timeout;
  #targets = '[]';

  private constructor(prometheus: TestPrometheus) {
    this.prometheus = prometheus;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  static async start(options: Parameters<typeof testPrometheus>[0]): Promise<Watch> {
    return new Watch(await testPrometheus(options));
  }

  /** Scrapes it from now on; resolves when every process is, and events have been counted. */
  async add({ name, fleet }: Deployment): Promise<void> {
    this.#fleets.set(name, fleet);
    const isCalm = async (): Promise<boolean> => {
      const of = `{deployment="${name}"}`;
      const [up] = await this.prometheus.query(`sum(up${of})`);
      const [counted] = await this.prometheus.query(`sum(adtally_records_consumed_total${of})`);
      return up?.value === fleet.all.length && (counted?.value ?? 0) > 0;
    };
    await waitFor(isCalm, { what: `${name} to work`, timeoutMs: CALM_LIMIT_MS, intervalMs: 500 });
  }

  remove({ name }: Deployment): void {
    this.#fleets.delete(name);
  }

  #look(): void {
    const groups = [...this.#fleets].map(([deployment, fleet]) => targetsOf(deployment, fleet));
    const targets = JSON.stringify(groups);
    if (targets !== this.#targets) this.prometheus.setTargets(groups);
    this.#targets = targets;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.prometheus.close();
  }
}

function targetsOf(deployment: string, { all }: Fleet): TargetGroup {
  const ports = all
    .filter(({ isRunning }) => isRunning)
    .flatMap(
      ({ process }) => process.entries.find(({ msg }) => msg === 'admin listening')?.['port'] ?? [],
    );
  return { targets: ports.map((port) => `127.0.0.1:${String(port)}`), labels: { deployment } };
}
