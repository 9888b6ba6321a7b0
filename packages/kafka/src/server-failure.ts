import type { ServerFailure } from '@adtally/pacing';
import { codeOf, KafkaError, messageOf } from './errors.ts';
import { troubleCode, type Trouble, type TroubleCode } from './trouble.ts';

/** What each trouble means for who waits. Of a mere disconnect nobody knows whether it will last. */
const KINDS: Readonly<Record<TroubleCode, ServerFailure['kind']>> = {
  certificate_refused: 'hopeless',
  protocol_mismatch: 'hopeless',
  not_supported: 'hopeless',
  authentication_failed: 'refused',
  topic_authorization: 'refused',
  group_authorization: 'refused',
  cluster_authorization: 'refused',
  token_unavailable: 'away',
  host_unknown: 'away',
  broker_unreachable: 'away',
  tls_failed: 'away',
  topic_missing: 'away',
  instance_id_in_use: 'away',
  client_error: 'away',
};

/** The broker's numbers (above 0) and the client's own that say more than "no answer". */
const CODES: ReadonlyMap<number, TroubleCode> = new Map<number, TroubleCode>([
  [3, 'topic_missing'],
  [29, 'topic_authorization'],
  [30, 'group_authorization'],
  [31, 'cluster_authorization'],
  [53, 'cluster_authorization'],
  [58, 'authentication_failed'],
  [-169, 'authentication_failed'],
  [33, 'not_supported'],
  [35, 'not_supported'],
  [-165, 'not_supported'],
]);

/** What is thrown where no client can be made of the settings at all. */
const NOT_MADE = /^(?:No such configuration property|Configuration property|Invalid value )/;
const UNKNOWN = -1;

/**
 * What a failure at Kafka means for who waits for it. Total for whatever a client says; null for what is no
 * failure of brokers or settings.
 */
export function kafkaFailure(error: unknown): ServerFailure | null {
  const detail = messageOf(error);
  if (!(error instanceof KafkaError)) {
    return NOT_MADE.test(detail) ? { kind: 'hopeless', code: 'client_settings', detail } : null;
  }
  const code = codeOf(error);
  // Connections fail with codes of their own: without one the client could not be made of its settings.
  if (code === UNKNOWN && detail.startsWith('connect: ')) {
    return { kind: 'hopeless', code: 'client_settings', detail };
  }
  const trouble = CODES.get(code) ?? error.trouble?.code ?? troubleCode(detail);
  return { kind: KINDS[trouble], code: trouble, detail };
}

/** The same of what a client says by itself. */
export function troubleFailure({
  code,
  message,
}: Pick<Trouble, 'code' | 'message'>): ServerFailure {
  return { kind: KINDS[code], code, detail: message };
}
