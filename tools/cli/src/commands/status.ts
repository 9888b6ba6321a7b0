import { stackStatus } from '@adtally/local-stack';
import { command, EXIT, formatTable, JSON_OPTION, printJson } from '@adtally/command-line';
import { maskUrl } from '@adtally/config';

export const status = command({
  description: 'Exit code 0 when all three run, 1 when one does not.',
  options: JSON_OPTION,
  run: async ({ options }) => {
    // A server of the environment may have a password in its address.
    const servers = (await stackStatus()).map(({ url, ...server }) => ({
      ...server,
      url: url === undefined ? undefined : maskUrl(url),
    }));
    const urlOf = (name: string): string | null => {
      const server = servers.find((candidate) => candidate.name === name);
      return server?.running === true ? (server.url ?? null) : null;
    };
    const running = servers.every((server) => server.running);
    if (options.json) {
      printJson({
        running,
        kafka_brokers: urlOf('kafka'),
        database_url: urlOf('postgres'),
        redis_url: urlOf('redis'),
        servers: servers.map((server) => ({
          name: server.name,
          origin: server.origin,
          running: server.running,
          url: server.url ?? null,
          pid: server.pid ?? null,
          data_folder: server.dataFolder ?? null,
          log_file: server.logFile ?? null,
        })),
      });
    } else {
      const rows = servers.map((server) => [
        server.title,
        server.running ? 'running' : 'not running',
        server.origin === 'local' ? 'local' : 'from the environment',
        server.url ?? '-',
        server.pid === undefined ? '-' : String(server.pid),
      ]);
      const table = formatTable([['SERVER', 'STATE', 'ORIGIN', 'ADDRESS', 'PID'], ...rows]);
      process.stdout.write(`${table}\n`);
    }
    return running ? EXIT.success : EXIT.failure;
  },
});
