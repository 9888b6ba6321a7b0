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

/** Starts one that tells each alert by itself and at once to this webhook, and its end. */
export async function testAlertmanager(webhookUrl: string): Promise<TestAlertmanager> {
  const { alertmanager, root } = requirePrometheus();
  const route = {
    receiver: 'test',
    group_by: ['...'],
    group_wait: '0s',
    group_interval: '1s',
    repeat_interval: '1h',
  };
  const webhook = { url: webhookUrl, send_resolved: true };
  const receivers = [{ name: 'test', webhook_configs: [webhook] }];
  const commandOf = (folder: string, address: string) => {
    const config = join(folder, 'alertmanager.yml');
    // JSON is YAML.
    writeFileSync(config, JSON.stringify({ route, receivers }));
    const data = join(folder, 'data');
    const args = ['--log.level=warn', `--config.file=${config}`, `--storage.path=${data}`];
    const alone = '--cluster.listen-address=';
    return [alertmanager, ...args, alone, `--web.listen-address=${address}`] as const;
  };
  const server = await WebServer.start('alertmanager', commandOf, root);
  const close = () => server.close();
  return { url: server.url, close, [Symbol.asyncDispose]: close };
}
