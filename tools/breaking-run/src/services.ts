import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Exit, ServiceProcess } from '@adtally/testkit';

export const REPOSITORY = resolve(import.meta.dirname, '../../..');

export type ServiceName =
  | 'ingest-consumer'
  | 'dlq-reprocessor'
  | 'dead-queue-alerter'
  | 'backfill-runner';

/** Beside the consumers, in every world. */
const OTHERS: readonly (readonly [label: string, service: ServiceName])[] = [
  ['reprocessor', 'dlq-reprocessor'],
  ['alerter', 'dead-queue-alerter'],
  ['backfill', 'backfill-runner'],
];
/** So that one may take over from the other. */
const CONSUMERS = 2;
/** Loaded before a service's own modules: its clock goes wrong by the ms in the file that SET_CLOCK_FILE names. */
export const SET_CLOCK = join(import.meta.dirname, 'set-clock.ts');

type Env = Readonly<Record<string, string>>;

/** One service, in as many processes one after the other as it takes. */
export class Service {
  readonly label: string;
  readonly name: ServiceName;
  readonly #env: Env;
  readonly #clock: string | undefined;
  /** Of every process it has had: what was said stays said. */
  readonly processes: ServiceProcess[] = [];
  #isMeantToRun = false;

  /** @param clock the file that says how wrong its clock goes, in ms; undefined: its clock is the machine's */
  constructor(label: string, name: ServiceName, env: Env, clock?: string) {
    this.label = label;
    this.name = name;
    this.#clock = clock;
    this.#env = clock === undefined ? env : { ...env, SET_CLOCK_FILE: clock };
  }

  get process(): ServiceProcess {
    const process = this.processes.at(-1);
    if (process === undefined) throw new Error(`${this.label} has not been started`);
    return process;
  }

  /** Starts it unless it runs, and again whenever it ends by itself, as a platform does: after a pause. */
  start(): void {
    if (this.#isMeantToRun) return;
    this.#isMeantToRun = true;
    this.#spawn();
  }

  #spawn(): void {
    const main = join(REPOSITORY, 'apps', this.name, 'src/main.ts');
    const argv = this.name === 'backfill-runner' ? ['--watch'] : [];
    const clock = this.#clock === undefined ? {} : { preload: SET_CLOCK };
    const process = new ServiceProcess(main, this.#env, { argv, ...clock });
    this.processes.push(process);
    void process.ended.then(({ code, stderr }) => {
      const isOver = () => !this.#isMeantToRun || this.process !== process;
      if (isOver()) return;
      this.exits.push(`${code ?? -1}: ${lastWords(stderr)}`);
      setTimeout(() => void (isOver() || this.#spawn()), RESTART_PAUSE_MS).unref();
    });
  }

  /** The times it ended by itself: with which code, and its last words. */
  readonly exits: string[] = [];

  async kill(): Promise<void> {
    this.#isMeantToRun = false;
    await this.process.kill();
  }

  /** SIGTERM, and not started again until `start`. */
  async drain(): Promise<Exit> {
    this.#isMeantToRun = false;
    return await this.process.stop();
  }

  /** Puts its clock forward or back, from the machine's time; its processes follow within a moment. */
  setClock(aheadMs: number): void {
    if (this.#clock === undefined) throw new Error(`the clock of ${this.label} cannot be set`);
    // Read while it is written it would be empty.
    writeFileSync(`${this.#clock}.new`, String(aheadMs));
    renameSync(`${this.#clock}.new`, this.#clock);
  }

  get isRunning(): boolean {
    return this.#isMeantToRun;
  }

  get isFrozen(): boolean {
    return stateOf(this.process.pid) === 'T';
  }

  freeze(): void {
    this.process.signal('SIGSTOP');
  }

  thaw(): void {
    this.process.signal('SIGCONT');
  }
}

const RESTART_PAUSE_MS = 3_000;
const LAST_WORDS_MAX = 600;

/** The last fatal line of a log; the very last where there is none. */
function lastWords(log: string): string {
  const lines = log.trim().split('\n');
  const fatal = lines.findLast((line) => line.includes('"level":"fatal"'));
  return (fatal ?? lines.at(-1) ?? '').slice(0, LAST_WORDS_MAX);
}

/** The letter that Linux gives a process' state: T is stopped. */
export function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2)[0];
}

export interface FleetOptions {
  /** How many ingest-consumers; 2 where undefined. */
  readonly consumers?: number | undefined;
  /** A folder for the files that say how wrong each clock goes; where undefined no clock can be set. */
  readonly clocks?: string | undefined;
}

/** All services of a world, by what they are. */
export class Fleet {
  readonly all: Service[];
  /** What they said may tell why they were of no use. */
  readonly #removed: Service[] = [];
  readonly #env: Env;
  readonly #clocks: string | undefined;
  readonly #killAtExit = () => {
    for (const service of this.all) service.process.signal('SIGKILL');
  };

  constructor(env: Env, { consumers = CONSUMERS, clocks }: FleetOptions = {}) {
    this.#env = env;
    this.#clocks = clocks;
    if (clocks !== undefined) mkdirSync(clocks);
    const labels = Array.from({ length: consumers }, (_, index) => `consumer-${index + 1}`);
    this.all = [
      ...labels.map((label) => this.#make(label, 'ingest-consumer', env)),
      ...OTHERS.map(([label, name]) => this.#make(label, name, env)),
    ];
    for (const service of this.all) service.start();
    process.once('exit', this.#killAtExit);
  }

  /** One more process of a service, which differs in its environment. */
  add(label: string, name: ServiceName, env: Env): Service {
    const service = this.#make(label, name, { ...this.#env, ...env });
    this.all.push(service);
    service.start();
    return service;
  }

  #make(label: string, name: ServiceName, env: Env): Service {
    const clock = this.#clocks === undefined ? undefined : join(this.#clocks, label);
    return new Service(label, name, env, clock);
  }

  /** Kills one, which is of the fleet no more. */
  async remove(label: string): Promise<void> {
    await this.one(label).kill();
    this.#removed.push(...this.all.splice(this.all.indexOf(this.one(label)), 1));
  }

  of(name: ServiceName): Service[] {
    return this.all.filter((service) => service.name === name);
  }

  one(label: string): Service {
    const found = this.all.find((service) => service.label === label);
    if (found === undefined) throw new Error(`there is no ${label}`);
    return found;
  }

  async end(): Promise<void> {
    await Promise.all(this.all.map((service) => service.kill()));
    process.off('exit', this.#killAtExit);
  }

  /** After the end: everything each process logged, one file a process. */
  async keepLogs(folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    // Several one after the other may have had one label.
    const byLabel = Map.groupBy([...this.#removed, ...this.all], ({ label }) => label);
    for (const [label, services] of byLabel) {
      const processes = services.flatMap((service) => service.processes);
      for (const [index, { ended }] of processes.entries()) {
        writeFileSync(join(folder, `${label}.${index}.log`), (await ended).stderr);
      }
    }
  }
}
