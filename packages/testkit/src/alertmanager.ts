import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requirePrometheus } from './prometheus-programs.ts';
import { WebServer } from './web-server.ts';

/** An Alertmanager of its own. */
export interface TestAlertmanager {
  readonly url: string;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts one with its data in a folder that goes away with it.
 *
 * @param settings what stands in its configuration file, e.g. `route` and `receivers`
 */
export async function testAlertmanager(settings: object): Promise<TestAlertmanager> {
  const { alertmanager, root } = requirePrometheus();
  const commandOf = (folder: string, address: string) => {
    const config = join(folder, 'alertmanager.yml');
    // JSON is YAML.
    writeFileSync(config, JSON.stringify(settings));
    const data = join(folder, 'data');
    const args = ['--log.level=warn', `--config.file=${config}`, `--storage.path=${data}`];
    const alone = '--cluster.listen-address=';
    return [alertmanager, ...args, alone, `--web.listen-address=${address}`] as const;
  };
  const server = await WebServer.start('alertmanager', commandOf, root);
  const close = () => server.close();
  return { url: server.url, close, [Symbol.asyncDispose]: close };
}
