import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './redis.ts';
import { ServerProcess } from './server-process.ts';

/** A server that answers HTTP on a loopback port and keeps its data in a folder that goes away with it. */
export class WebServer {
  readonly url: string;
  readonly folder: string;
  readonly #process: ServerProcess;

  private constructor(url: string, folder: string) {
    this.url = url;
    this.folder = folder;
    this.#process = new ServerProcess(join(folder, 'server.log'));
  }

  /**
   * Starts it and waits until `/-/ready` says so.
   *
   * @param commandOf writes what it needs into the folder; gives program and arguments for `host:port`
   * @param cwd the folder it is started in
   */
  static async start(
    name: string,
    commandOf: (folder: string, address: string) => readonly [string, ...string[]],
    cwd = '/',
  ): Promise<WebServer> {
    const address = `127.0.0.1:${await freePort()}`;
    const folder = mkdtempSync(join(tmpdir(), `adtally-${name}-`));
    const server = new WebServer(`http://${address}`, folder);
    try {
      const [program, ...args] = commandOf(folder, address);
      server.#process.start(program, args, cwd);
      await server.#process.until(
        `${name} answers`,
        async () => (await fetch(`${server.url}/-/ready`)).ok,
      );
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#process.end('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
