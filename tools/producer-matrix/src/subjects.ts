/** Where a client's version stands: a file of this repository, and the name before it. */
export interface Pinned {
  readonly file: string;
  readonly name: string;
}

export type Toolchain = 'node' | 'java' | 'go' | 'python' | 'rust' | 'bento' | 'telegraf';

/** One client as one setting has it. */
export interface Subject {
  /** As its runner takes it in SETTING; unique within its toolchain. */
  readonly setting: string;
  readonly toolchain: Toolchain;
  readonly client: string;
  readonly pinned: Pinned;
  /** How it is set, for the table. */
  readonly words: string;
}

const CLIENTS = 'tools/producer-matrix/clients';
const CATALOG = 'pnpm-workspace.yaml';

const JAVA = {
  toolchain: 'java',
  client: 'Java',
  pinned: { file: `${CLIENTS}/java/pom.xml`, name: 'kafka-clients' },
} as const;
const CONFLUENT_NODE = {
  toolchain: 'node',
  pinned: { file: CATALOG, name: '@confluentinc/kafka-javascript' },
} as const;
const CONFLUENT_NATIVE = {
  ...CONFLUENT_NODE,
  client: '@confluentinc/kafka-javascript, RdKafka API',
};
const CONFLUENT_KAFKAJS = {
  ...CONFLUENT_NODE,
  client: '@confluentinc/kafka-javascript, KafkaJS API',
};
const KAFKAJS = {
  toolchain: 'node',
  client: 'KafkaJS',
  pinned: { file: CATALOG, name: 'kafkajs' },
} as const;
const PLATFORMATIC = {
  toolchain: 'node',
  client: '@platformatic/kafka',
  pinned: { file: CATALOG, name: '@platformatic/kafka' },
} as const;
const CONFLUENT_PYTHON = python('confluent-kafka', 'confluent-kafka (Python)');
const SARAMA = go('github.com/IBM/sarama', 'sarama');
const KAFKA_GO = go('github.com/segmentio/kafka-go', 'kafka-go');
const CONFLUENT_GO = go('github.com/confluentinc/confluent-kafka-go/v2', 'confluent-kafka-go');
const RUST = {
  toolchain: 'rust',
  client: 'rdkafka (Rust)',
  pinned: { file: `${CLIENTS}/rust/Cargo.toml`, name: 'rdkafka' },
} as const;
const BENTO = {
  toolchain: 'bento',
  client: 'Bento',
  pinned: { file: `${CLIENTS}/bento/go.mod`, name: 'github.com/warpstreamlabs/bento' },
} as const;
const TELEGRAF = {
  toolchain: 'telegraf',
  client: 'Telegraf',
  pinned: { file: `${CLIENTS}/telegraf/go.mod`, name: 'github.com/influxdata/telegraf' },
} as const;

const MURMUR2_RANDOM = '`partitioner=murmur2_random`';

/** All that are run, defaults first; in the order of the table. */
export const SUBJECTS: readonly Subject[] = [
  { ...JAVA, setting: 'java', words: '`StringSerializer` (default partitioner)' },
  { ...JAVA, setting: 'java-uuid', words: '`UUIDSerializer`' },
  { ...JAVA, setting: 'java-json', words: '`JsonSerializer` for the key' },
  { ...JAVA, setting: 'java-bytes', words: 'the 16 bytes by `ByteArraySerializer`' },
  { ...CONFLUENT_PYTHON, setting: 'confluent', words: 'default' },
  { ...CONFLUENT_PYTHON, setting: 'confluent-murmur2', words: MURMUR2_RANDOM },
  { ...python('kafka-python', 'kafka-python'), setting: 'kafka-python', words: 'default' },
  { ...python('aiokafka', 'aiokafka'), setting: 'aiokafka', words: 'default' },
  { ...CONFLUENT_GO, setting: 'confluent', words: 'default' },
  { ...CONFLUENT_GO, setting: 'confluent-murmur2', words: MURMUR2_RANDOM },
  { ...go('github.com/twmb/franz-go', 'franz-go'), setting: 'franz-go', words: 'default' },
  { ...SARAMA, setting: 'sarama', words: 'default, `NewHashPartitioner`' },
  { ...SARAMA, setting: 'sarama-reference', words: '`NewReferenceHashPartitioner`' },
  {
    ...SARAMA,
    setting: 'sarama-custom',
    words: '`NewCustomPartitioner(WithCustomHashFunction(murmur2))`',
  },
  {
    ...SARAMA,
    setting: 'sarama-custom-absfirst',
    words: '`NewCustomPartitioner(WithAbsFirst(), WithCustomHashFunction(murmur2))`',
  },
  { ...SARAMA, setting: 'sarama-murmur2', words: '`NewMurmur2Partitioner`' },
  { ...KAFKA_GO, setting: 'kafka-go', words: 'default, round robin' },
  { ...KAFKA_GO, setting: 'kafka-go-hash', words: '`Hash`' },
  { ...KAFKA_GO, setting: 'kafka-go-crc32', words: '`CRC32Balancer`' },
  { ...KAFKA_GO, setting: 'kafka-go-murmur2', words: '`Murmur2Balancer`' },
  { ...CONFLUENT_NATIVE, setting: 'confluent-native', words: 'default' },
  { ...CONFLUENT_NATIVE, setting: 'confluent-native-murmur2', words: MURMUR2_RANDOM },
  { ...CONFLUENT_KAFKAJS, setting: 'confluent-promises', words: 'default' },
  {
    ...CONFLUENT_KAFKAJS,
    setting: 'confluent-promises-kafkajs',
    words: 'any setting in the block `kafkaJS`',
  },
  { ...CONFLUENT_KAFKAJS, setting: 'confluent-promises-murmur2', words: MURMUR2_RANDOM },
  { ...KAFKAJS, setting: 'kafkajs', words: 'default' },
  { ...KAFKAJS, setting: 'kafkajs-legacy', words: '`Partitioners.LegacyPartitioner`' },
  { ...PLATFORMATIC, setting: 'platformatic', words: 'default' },
  { ...PLATFORMATIC, setting: 'platformatic-compatible', words: '`compatibilityPartitioner`' },
  { ...RUST, setting: 'rdkafka', words: 'default' },
  { ...RUST, setting: 'rdkafka-murmur2', words: MURMUR2_RANDOM },
  { ...BENTO, setting: 'kafka', words: '`kafka` output, default' },
  { ...BENTO, setting: 'kafka-murmur2', words: '`kafka` output, `partitioner: murmur2_hash`' },
  { ...BENTO, setting: 'kafka_franz', words: '`kafka_franz` output, default' },
  {
    ...TELEGRAF,
    setting: 'telegraf',
    words: '`outputs.kafka` with `routing_tag`; has no partitioner to set',
  },
];

/** By toolchain and setting. */
export function nameOf({ toolchain, setting }: Subject): string {
  return `${toolchain}/${setting}`;
}

function python(name: string, client: string) {
  const pinned = { file: `${CLIENTS}/python/requirements.txt`, name };
  return { toolchain: 'python', client, pinned } as const;
}

function go(name: string, client: string) {
  return { toolchain: 'go', client, pinned: { file: `${CLIENTS}/go/go.mod`, name } } as const;
}
