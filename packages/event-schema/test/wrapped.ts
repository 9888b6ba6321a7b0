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

const EVENT =
  '{"schema_version":1,"event_type":"impression","impression_id":"018bcfe5-687b-7abc-8def-0123456789ab",' +
  '"occurred_at":"2023-11-14T22:13:20.123456Z","campaign_id":"cmp-1","creative_id":"crt-2",' +
  '"placement_id":"plc-3","price_micros":1500,"currency":"EUR"}';

/** One event as these programs printed it, byte for byte but for the order of its own fields. */
export const PRINTED: Readonly<Record<string, Buffer>> = {
  "Kafka Connect 4.3.1's JsonConverter": Buffer.from(
    '{"schema":{"type":"struct","fields":[{"type":"int32","optional":false,"field":"schema_version"},' +
      '{"type":"string","optional":false,"field":"event_type"},{"type":"int64","optional":false,' +
      '"field":"price_micros"},{"type":"string","optional":true,"field":"source"}],"optional":false,' +
      `"name":"ad"},"payload":${EVENT.replace(/}$/, ',"source":null}')}}`,
  ),
  'the same without a schema': Buffer.from(`{"schema":null,"payload":${EVENT}}`),
  'the CloudEvents SDK for JavaScript 10.0.0, structured': Buffer.from(
    '{"id":"a-1","time":"2023-11-14T22:13:21.000Z","type":"ad.impression","source":"/ads/web",' +
      `"specversion":"1.0","datacontenttype":"application/json","data":${EVENT}}`,
  ),
  "Confluent's JsonSerializer for JavaScript 1.10.1": Buffer.concat([
    Buffer.from('0000000001', 'hex'),
    Buffer.from(EVENT),
  ]),
};

function around(before: string, json: Buffer, after: string): Buffer {
  return Buffer.concat([Buffer.from(before), json, Buffer.from(after)]);
}
