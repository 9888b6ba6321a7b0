import {
  bool,
  durationMs,
  field,
  NotAllowed,
  secret,
  text,
  url,
  type ConfigOf,
  type EnvField,
} from '@adtally/config';

const ATTRIBUTES_MAX = 100_000;
const HEADERS_MAX = 16_384;

/** What a signal goes to: nowhere unless an endpoint or the exporter itself is set. */
export type ExporterName = 'otlp' | 'none' | '';

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** Those of the standard's variables that every service reads. https://opentelemetry.io/docs/specs/otel/configuration/ */
export const OTEL_ENV = {
  otelSdkDisabled: bool('OTEL_SDK_DISABLED', {
    default: false,
    meaning: '`true`: nothing is exported, whatever else is set; `/metrics` stays',
  }),
  otelServiceName: text('OTEL_SERVICE_NAME', {
    default: '',
    meaning: '`service.name` of what is exported, and label of `target_info`, instead of the app',
    defaultWords: 'the app',
  }),
  otelResourceAttributes: text('OTEL_RESOURCE_ATTRIBUTES', {
    default: '',
    maxLength: ATTRIBUTES_MAX,
    meaning:
      'further attributes of both: `key=value,key=value`, percent-encoded; one that is not so voids all',
  }),
  otelTracesExporter: exporter('OTEL_TRACES_EXPORTER', 'traces'),
  otelMetricsExporter: exporter('OTEL_METRICS_EXPORTER', 'metrics; `/metrics` stays'),
  otlpEndpoint: endpoint('OTEL_EXPORTER_OTLP_ENDPOINT', {
    meaning:
      'exports traces and metrics there, to `/v1/traces` and `/v1/metrics` under it (docs/operations.md)',
  }),
  otlpTracesEndpoint: endpoint('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', {
    meaning: 'exports traces there, to exactly this address',
  }),
  otlpMetricsEndpoint: endpoint('OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', {
    meaning: 'the same of metrics',
  }),
  otlpHeaders: secret(headers('OTEL_EXPORTER_OTLP_HEADERS')),
  otlpProtocol: protocol('OTEL_EXPORTER_OTLP_PROTOCOL'),
  otlpTimeoutMs: durationMs('OTEL_EXPORTER_OTLP_TIMEOUT', {
    default: 10_000,
    min: 100,
    max: 60_000,
    meaning: 'for one export with its retries',
  }),
  otelMetricIntervalMs: durationMs('OTEL_METRIC_EXPORT_INTERVAL', {
    default: 60_000,
    min: 1_000,
    max: 3_600_000,
    meaning: 'how often metrics are exported',
  }),
  otelTracesSampler: sampler('OTEL_TRACES_SAMPLER'),
  otelTracesSamplerArg: ratio('OTEL_TRACES_SAMPLER_ARG'),
} as const;

/** What the environment says of exporting. */
export type OtelConfig = ConfigOf<typeof OTEL_ENV>;

/** Without credentials: those are headers, which nobody is shown. */
function endpoint(variable: string, { meaning }: { readonly meaning: string }): EnvField<string> {
  const plain = url(variable, { schemes: ['http', 'https'], default: '', meaning });
  return {
    ...plain,
    read(env) {
      const reading = plain.read(env);
      if ('problems' in reading || reading.value === '') return reading;
      const address = URL.parse(reading.value);
      if (address === null) return { problems: [`${variable}: its value is not a URL`] };
      if (address.username === '' && address.password === '') return reading;
      return {
        problems: [
          `${variable} holds credentials: give them in OTEL_EXPORTER_OTLP_HEADERS instead`,
        ],
      };
    },
  };
}

function exporter(variable: string, what: string): EnvField<ExporterName> {
  return field<ExporterName>(variable, {
    allowed: 'otlp or none',
    defaultText: '',
    defaultWords: '`otlp` where an endpoint is set, else `none`',
    meaning: `\`otlp\` or \`none\`, of ${what}; \`otlp\` without an endpoint goes to http://localhost:4318`,
    parse: (value) => (['otlp', 'none', ''] as const).find((name) => name === value),
  });
}

/** The only one we speak; also where it is asked for of one signal alone, which would go unnoticed else. */
function protocol(variable: string): EnvField<'http/protobuf'> {
  const only = 'http/protobuf';
  const one = field<typeof only>(variable, {
    allowed: `${only}, the only one that is spoken here`,
    defaultText: only,
    meaning: `\`${only}\`; \`grpc\` and \`http/json\` are refused, also in \`OTEL_EXPORTER_OTLP_TRACES_PROTOCOL\` and \`_METRICS_PROTOCOL\``,
    parse: (value) => (value === only ? only : undefined),
  });
  return {
    ...one,
    read(env) {
      const asked = [
        variable,
        ...['TRACES', 'METRICS'].map((s) => variable.replace('OTLP', `OTLP_${s}`)),
      ];
      const readings = asked.map((name) => field(name, { ...one, parse: parseOnly }).read(env));
      const problems = readings.flatMap((reading) =>
        'problems' in reading ? reading.problems : [],
      );
      return problems.length > 0 ? { problems } : { value: only };
    },
  };
  function parseOnly(value: string): typeof only | undefined {
    return value === only ? only : undefined;
  }
}

/** `key=value,key=value`, percent-encoded, as a text; see `parseHeaders`. */
function headers(variable: string): EnvField<string> {
  const plain = text(variable, {
    default: '',
    hidden: true,
    maxLength: HEADERS_MAX,
    meaning:
      'headers of each export, `key=value,key=value`, percent-encoded: credentials of a collector',
  });
  return {
    ...plain,
    read(env) {
      const reading = plain.read(env);
      if ('problems' in reading || parseHeaders(reading.value) !== null) return reading;
      return { problems: [`${variable}: its value is not allowed; give key=value,key=value`] };
    },
  };
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The headers by name; null where the text is none. */
export function parseHeaders(listed: string): Record<string, string> | null {
  const parsed: Record<string, string> = {};
  for (const pair of listed.split(',')) {
    if (pair.trim() === '') continue;
    const [name = '', ...rest] = pair.split('=');
    const value = decoded(rest.join('='));
    if (value === null || rest.length === 0) return null;
    if (!HEADER_NAME.test(name.trim()) || !HEADER_VALUE.test(value)) return null;
    parsed[name.trim()] = value;
  }
  return parsed;
}

function decoded(value: string): string | null {
  try {
    return decodeURIComponent(value.trim());
  } catch {
    return null;
  }
}

function sampler(variable: string): EnvField<SamplerName> {
  return field<SamplerName>(variable, {
    allowed: `one of ${SAMPLERS.join(', ')}`,
    defaultText: 'parentbased_always_on',
    meaning: `which batches are traced: ${SAMPLERS.map((name) => `\`${name}\``).join(' ')}; a batch has no parent`,
    parse: (value) => SAMPLERS.find((name) => name === value),
  });
}

function ratio(variable: string): EnvField<number> {
  return field(variable, {
    allowed: 'a share 0..1, such as 0.01',
    defaultText: '1',
    meaning: 'the share, of the two samplers that take one',
    parse: (value) => {
      if (!/^(?:[01]|[01]?\.\d{1,9})$/.test(value)) return undefined;
      const share = Number(value);
      return share <= 1 ? share : new NotAllowed([`${variable}: ${value} is more than 1`]);
    },
  });
}
