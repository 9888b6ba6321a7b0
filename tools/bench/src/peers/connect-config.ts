import type { Servers } from '../servers.ts';

/** Where the peer writes: the members of an event as the connector can take them, and when a row came. */
export const PEER_TABLE = 'peer_events';

/** Of what a record says; with it every clean event is unique. */
const KEY = ['impression_id', 'event_type', 'occurred_at'] as const;

const MEMBERS: readonly { readonly name: string; readonly type: 'int64' | 'string' }[] = [
  { name: 'schema_version', type: 'int64' },
  { name: 'event_type', type: 'string' },
  { name: 'impression_id', type: 'string' },
  { name: 'occurred_at', type: 'string' },
  { name: 'price_micros', type: 'int64' },
  { name: 'value_micros', type: 'int64' },
  { name: 'currency', type: 'string' },
  { name: 'campaign_id', type: 'string' },
  { name: 'creative_id', type: 'string' },
  { name: 'placement_id', type: 'string' },
  { name: 'click_id', type: 'string' },
  { name: 'conversion_id', type: 'string' },
];

export const CREATE_PEER_TABLE = `CREATE TABLE ${PEER_TABLE} (
  ${MEMBERS.map(({ name, type }) => `${name} ${type === 'int64' ? 'bigint' : 'text'}`).join(',\n  ')},
  written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (${KEY.join(', ')})
)`;

const isKey = (name: string): boolean => (KEY as readonly string[]).includes(name);

const SCHEMA = JSON.stringify({
  type: 'struct',
  optional: false,
  fields: MEMBERS.map(({ name, type }) => ({ field: name, type, optional: !isKey(name) })),
});

export interface ConnectPlace {
  readonly topic: string;
  readonly databaseUrl: string;
  readonly restPort: number;
  readonly offsetsFile: string;
}

/** The settings of a worker in standalone mode. */
export function workerSettings({ addresses }: Servers, place: ConnectPlace): object {
  return {
    'bootstrap.servers': addresses.kafkaBrokers,
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'true',
    'value.converter.schema.content': SCHEMA,
    'offset.storage.file.filename': place.offsetsFile,
    'offset.flush.interval.ms': '10000',
    listeners: `http://127.0.0.1:${place.restPort}`,
  };
}

/** The sink at its fastest that keeps one row an event: two tasks, one statement of arrays a batch. */
export function sinkSettings(place: ConnectPlace): object {
  const url = new URL(place.databaseUrl);
  return {
    name: place.topic,
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'tasks.max': '2',
    topics: place.topic,
    'connection.url': `jdbc:postgresql://${url.hostname}:${url.port || '5432'}${url.pathname}`,
    'connection.username': decodeURIComponent(url.username),
    'connection.password': decodeURIComponent(url.password),
    'insert.mode': 'upsert',
    'primary.key.mode': 'record_value',
    'primary.key.fields': KEY.join(','),
    'schema.evolution': 'none',
    'collection.name.format': PEER_TABLE,
    'dialect.postgres.unnest.insert.enabled': 'true',
    'use.reduction.buffer': 'true',
    'batch.size': '5000',
    'consumer.override.max.poll.records': '5000',
  };
}
