import { giveUpAfterMs, type Opened, type Service } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';
import type { IngestLoop } from './ingest-loop.ts';
import type { Ownership } from './ownership.ts';
import type { WriterLink } from './writer-link.ts';

/** Something that runs beside the loop and changes nothing of it. */
export interface Beside {
  start?(): Promise<void> | void;
  stop(): Promise<void>;
}

/** The parts of one run, made once the connections are open. */
export interface LoopWiring {
  readonly loop: IngestLoop;
  readonly link: WriterLink;
  readonly ownership: Ownership;
  /** Started in order before the loop, stopped in reverse after it. */
  readonly beside: readonly Beside[];
  /** Cuts what may wait for a database that says nothing. */
  cut(): void;
}

export interface LoopServiceOptions<R> {
  readonly name: string;
  readonly drainDeadlineMs: number;
  readonly log: Logger;
  readonly open: (signal: AbortSignal) => Promise<Opened<R>>;
  /** `abandoned` fires when the drain has no more time to wait for the database. */
  readonly wire: (resources: R, abandoned: AbortSignal) => LoopWiring;
}

/** Opens the connections, wires the loop and runs it; a stop finishes the batch in hand. */
export class LoopService<R> implements Service {
  readonly name: string;
  readonly failed: Promise<Error>;
  readonly #options: LoopServiceOptions<R>;
  readonly #stopping = new AbortController();
  readonly #abandoned = new AbortController();
  readonly #failure = Promise.withResolvers<Error>();
  #wiring: LoopWiring | null = null;
  #resources: R | null = null;
  #close: (() => Promise<void>) | null = null;
  #starting: Promise<void> = Promise.resolve();
  #running: Promise<void> = Promise.resolve();

  constructor(options: LoopServiceOptions<R>) {
    this.#options = options;
    this.name = options.name;
    this.failed = this.#failure.promise;
  }

  /** Null until the connections are open. */
  get resources(): R | null {
    return this.#resources;
  }

  /** Null until the connections are open. */
  get wiring(): LoopWiring | null {
    return this.#wiring;
  }

  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  /** Finishes the batch in hand, releases the partitions, leaves the group, closes everything. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const giveUpMs = giveUpAfterMs(this.#options.drainDeadlineMs);
    setTimeout(() => this.#abandoned.abort(), giveUpMs).unref();
    await this.#starting.catch(() => undefined);
    this.#wiring?.loop.stop();
    await this.#running;
    await this.#wiring?.link.close();
    await this.#close?.();
    this.#close = null;
  }

  /** The partitions held, those that wait to be, and those that stand still, for a status endpoint. */
  partitions(logEnd: (partition: number) => number | null) {
    const ownership = this.#wiring?.ownership;
    return {
      owned: (ownership?.allOwned() ?? []).map((owned) => ({
        partition: owned.partition,
        source_id: owned.sourceId,
        epoch: owned.epoch,
        next_offset: owned.committedOffset,
        read_offset: owned.readOffset,
        log_end: logEnd(owned.partition),
      })),
      waiting: (ownership?.allWaiting() ?? []).map(({ partition, reason, sinceMs }) => ({
        partition,
        reason: reason?.code ?? null,
        detail: reason?.detail ?? null,
        since: new Date(Date.now() - (performance.now() - sinceMs)).toISOString(),
      })),
      halted: ownership?.allHalted() ?? [],
    };
  }

  notReady(): string | undefined {
    if (this.#wiring === null) return 'not connected yet';
    const { ownership, link } = this.#wiring;
    // A spare member owns nothing and needs no session: it is ready to take over.
    if (ownership.allOwned().length > 0 && !link.isConnected) return 'no database session';
    return undefined;
  }

  async #start(): Promise<void> {
    const { open, log, name } = this.#options;
    if (this.#stopping.signal.aborted) return;
    const opened = await open(this.#stopping.signal);
    this.#close = opened.close;
    this.#resources = opened.resources;
    if (this.#stopping.signal.aborted) return;
    this.#running = this.#run(opened.resources).catch((error: unknown) => {
      log.fatal({ err: error }, `${name} stopped: a person must look at this`);
      this.#failure.resolve(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async #run(resources: R): Promise<void> {
    const { wire, log } = this.#options;
    const wiring = wire(resources, this.#abandoned.signal);
    this.#wiring = wiring;
    this.#abandoned.signal.addEventListener('abort', () => {
      log.warn(
        'the database did not answer in time: leaving what is not committed to the next start',
      );
      wiring.link.cut();
      wiring.cut();
    });
    for (const beside of wiring.beside) await beside.start?.();
    try {
      await wiring.loop.run();
    } finally {
      for (const beside of wiring.beside.toReversed()) await beside.stop();
    }
  }
}
