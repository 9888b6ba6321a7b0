import { expect, test } from 'vitest';
import { classify } from './errors.ts';
import { kafkaFailure } from './server-failure.ts';

test.each([
  ['no broker', -185, 'timed out', 'away', 'broker_unreachable'],
  ['a name that is not found', -193, 'host resolution failure', 'away', 'host_unknown'],
  ['a broker without words', 41, 'not the controller', 'away', 'client_error'],
  ['a login', 58, 'SASL authentication failed', 'refused', 'authentication_failed'],
  ['a right on the group', 30, 'denied', 'refused', 'group_authorization'],
  ['a right on the topic', 29, 'denied', 'refused', 'topic_authorization'],
  ['an unknown request', 35, 'version', 'hopeless', 'not_supported'],
  ['an unknown feature', -165, 'feature', 'hopeless', 'not_supported'],
])('%s', (_what, code, message, kind, name) => {
  expect(kafkaFailure(classify({ code, message }, 'ask'))).toMatchObject({ kind, code: name });
});

test('the client gave up: in its words stands what for', () => {
  const words = 'ConsumerGroupHeartbeat fatal error: Broker: Group authorization failed';
  const error = classify({ code: -150, message: words, isFatal: true }, 'fetch');
  expect(kafkaFailure(error)).toMatchObject({ kind: 'refused', code: 'group_authorization' });
});

test('the client gave up: another process has the instance id still', () => {
  const words =
    'Fatal error: Broker: The instance ID is still used by another member in the consumer group';
  const error = classify({ code: -150, message: words, isFatal: true }, 'fetch');
  expect(kafkaFailure(error)).toMatchObject({ kind: 'away', code: 'instance_id_in_use' });
});

test('settings of which no client can be made are hopeless', () => {
  expect(kafkaFailure(classify({ code: -1, message: 'x509: bio lib' }, 'connect'))).toMatchObject({
    kind: 'hopeless',
    code: 'client_settings',
  });
  expect(kafkaFailure(new Error('No such configuration property: "x"'))).toMatchObject({
    kind: 'hopeless',
  });
});

test('an error of our own is none of the brokers', () => {
  expect(kafkaFailure(new TypeError('undefined is not a function'))).toBeNull();
});
