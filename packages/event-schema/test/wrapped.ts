import { Buffer } from 'node:buffer';

/** Ways in which tools wrap an event's JSON, by name. */
export const WRAPPERS: Readonly<Record<string, (json: Buffer) => Buffer>> = {
  "Confluent's framing": (json) => Buffer.concat([Buffer.of(0, 0, 0, 0x30, 0xc8), json]),
  'a Kafka Connect envelope': (json) =>
    around('{"schema":{"type":"struct","optional":false,"fields":[]},"payload":', json, '}'),
  'a Kafka Connect envelope, payload first': (json) =>
    around('{ "payload" : ', json, ' ,"schema":null}'),
  'a CloudEvents envelope': (json) =>
    around(
      '{"specversion":"1.0","id":"a-1","source":"/ads/überall","type":"ad.impression","data":',
      json,
      ',"time":"2026-03-01T12:00:00Z"}',
    ),
  "a CloudEvents envelope in Confluent's framing": (json) =>
    Buffer.concat([
      Buffer.of(0, 0, 0, 0, 7),
      around('{"specversion":"1.0","data":', json, ',"id":"a-1","source":"é","type":"t"}'),
    ]),
};

function around(before: string, json: Buffer, after: string): Buffer {
  return Buffer.concat([Buffer.from(before), json, Buffer.from(after)]);
}
