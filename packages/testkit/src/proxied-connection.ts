import { connect, type Socket } from 'node:net';

export type Side = 'client' | 'server';
/**
 * What becomes of one chunk: `forward` it, `drop` it silently, `cut` both sides without forwarding
 * it, `cut-after` it was handed to the other side's socket, or other bytes in its place.
 */
export type Decision = 'forward' | 'drop' | 'cut' | 'cut-after' | Buffer;
/** The connection stands for itself: the same object for both sides, as long as it is open. */
export type Hook = (chunk: Buffer, connection: object) => Decision;

interface ConnectionControl {
  decide(side: Side, chunk: Buffer): Decision;
  delayMs(): number;
  closed(): void;
}

/** One client's connection and its twin to the server; bytes keep their order in each direction. */
export class ProxiedConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #control: ConnectionControl;
  #isCut = false;

  constructor(client: Socket, target: { host: string; port: number }, control: ConnectionControl) {
    this.#client = client;
    this.#server = connect({ ...target, noDelay: true });
    this.#control = control;
    client.setNoDelay(true);
    this.#pump('client', this.#client, this.#server);
    this.#pump('server', this.#server, this.#client);
  }

  /** Resets both sides. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    for (const socket of [this.#client, this.#server]) {
      // A socket still connecting cannot be reset, only destroyed.
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
    this.#control.closed();
  }

  /** Stops or resumes reading on both sides; what arrives meanwhile waits in the kernel. */
  hold(on: boolean): void {
    for (const socket of [this.#client, this.#server]) {
      if (on) socket.pause();
      else socket.resume();
    }
  }

  #pump(side: Side, from: Socket, to: Socket): void {
    let order = Promise.resolve();
    from.on('data', (chunk) => {
      if (this.#isCut) return;
      const decision = this.#control.decide(side, chunk as Buffer);
      if (decision === 'cut') return this.cut();
      if (decision === 'drop') return;
      const delayMs = this.#control.delayMs();
      if (delayMs > 0) order = order.then(() => wait(delayMs));
      const bytes = Buffer.isBuffer(decision) ? decision : (chunk as Buffer);
      order = order.then(() => this.#write(to, bytes, decision === 'cut-after'));
    });
    from.on('error', () => this.cut());
    from.on('end', () => void order.then(() => to.end()));
    from.on('close', () => void order.then(() => this.#closedBy(to)));
  }

  async #write(to: Socket, chunk: Buffer, thenCut: boolean): Promise<void> {
    if (this.#isCut || to.destroyed) return;
    // Resolves when the bytes are with the kernel: only then may the connection go.
    await new Promise<void>((resolve) => to.write(chunk, () => resolve()));
    if (thenCut) this.cut();
  }

  #closedBy(other: Socket): void {
    if (this.#isCut) return;
    // Half of it may stay for long, and is to be cut with the others.
    if (other.destroyed) this.#control.closed();
    else other.end();
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
