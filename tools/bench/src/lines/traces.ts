import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BenchError } from '../errors.ts';
import { info } from '../table/figure.ts';
import { problemsOf, rateOf, ratios } from './figures-of-drains.ts';
import { line } from './line.ts';

/** What a collector costs is its own: this one counts what it is sent and answers. */
async function withCollector<T>(
  work: (url: string, received: () => number) => Promise<T>,
): Promise<T> {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => response.writeHead(200).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => bytes);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

export const traces = line({
  figures: {
    cpu_ratio: info('x', "consumer's CPU an event, exporting against not exporting", 3),
    rate_ratio: info('x', 'events/s, exporting against not exporting', 3),
    bytes: info('B', 'sent to the collector an event', 2),
  },
  measure: async (bench) => {
    const load = await bench.topic('traced');
    return await withCollector(async (url, received) => {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url };
      const [off = [], on = []] = await bench.inTurn(
        () => bench.drain(load),
        () => bench.drain(load, { env }),
      );
      if (received() === 0)
        throw new BenchError('nothing was exported: there is nothing to compare');
      const bytes = received() / on.reduce((events, drain) => events + drain.events, 0);
      return {
        runs: {
          cpu_ratio: ratios(on, off, ({ cpuUsPerEvent }) => cpuUsPerEvent.consumer),
          rate_ratio: ratios(on, off, rateOf),
          bytes: [bytes],
        },
        problems: problemsOf(off, on),
      };
    });
  },
});
