/** What keeps a client from its work, in one word for metrics and decisions. */
export type TroubleCode =
  | 'host_unknown'
  | 'broker_unreachable'
  | 'certificate_refused'
  | 'protocol_mismatch'
  | 'tls_failed'
  | 'authentication_failed'
  | 'token_unavailable'
  | 'topic_authorization'
  | 'group_authorization'
  | 'cluster_authorization'
  | 'topic_missing'
  | 'instance_id_in_use'
  | 'not_supported'
  | 'client_error';

/** The last words of a client about why it cannot work; they hold no secret. */
export interface Trouble {
  readonly code: TroubleCode;
  /** As the client or the broker said it, such as "...: SASL authentication error: ...". */
  readonly message: string;
  /** When it was said last, Unix time in ms. */
  readonly atMs: number;
}

/** In this order: a refused certificate is an SSL failure as well, and says more. */
const BY_WORDS: readonly (readonly [RegExp, TroubleCode])[] = [
  [/topic authorization failed/i, 'topic_authorization'],
  [/group authorization failed/i, 'group_authorization'],
  [/cluster authorization failed|transactional id authorization/i, 'cluster_authorization'],
  [/(?:token endpoint \S+|AWS) is away/, 'token_unavailable'],
  // KIP-848: UNRELEASED_INSTANCE_ID.
  [/instance id is (?:still )?used by another member/i, 'instance_id_in_use'],
  [/unknown topic|subscribed topic not available/i, 'topic_missing'],
  [/failed to resolve|host resolution|getaddrinfo/i, 'host_unknown'],
  [/certificate|unknown ca\b/i, 'certificate_refused'],
  [
    /wrong version number|(plaintext broker|ssl) listener|security\.protocol|requires tls|sasl mechanism: connection closed/i,
    'protocol_mismatch',
  ],
  [/authenticat|\bsasl\b|token endpoint|gives no credentials/i, 'authentication_failed'],
  [/\bssl\b|\btls connection\b/i, 'tls_failed'],
  [/unsupported|not supported|required feature|speaks no/i, 'not_supported'],
  [
    /connect|disconnect|timed out|transport|brokers? .*down|receive failed|send failed/i,
    'broker_unreachable',
  ],
];

export function troubleCode(words: string): TroubleCode {
  return BY_WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? 'client_error';
}

/** Why a request failed: one word, and the client's own. */
export function troubleOf(error: { readonly message: string; readonly trouble: Trouble | null }): {
  code: TroubleCode;
  detail: string;
} {
  return { code: error.trouble?.code ?? troubleCode(error.message), detail: error.message };
}

/** Of a connection, which any answer of a broker refutes; the others only the work itself does. */
const OF_CONNECTIONS: ReadonlySet<TroubleCode> = new Set<TroubleCode>([
  'host_unknown',
  'broker_unreachable',
  'certificate_refused',
  'protocol_mismatch',
  'tls_failed',
  'authentication_failed',
  'token_unavailable',
]);

export function isOfConnections(code: TroubleCode): boolean {
  return OF_CONNECTIONS.has(code);
}
