import { signal } from '@adtally/testkit';
import { createLogger } from '@adtally/telemetry';
import { expect, test } from 'vitest';
import { Lifecycle, type LifecycleState } from './lifecycle.ts';
import type { Service } from './service.ts';

const logger = createLogger({ service: 'test', level: 'silent' });

function recorder() {
  const calls: string[] = [];
  const service = (name: string, extra: Partial<Service> = {}): Service => ({
    name,
    start: async () => void calls.push(`start ${name}`),
    stop: async () => void calls.push(`stop ${name}`),
    ...extra,
  });
  return { calls, service };
}

test('starts in order, stops in reverse and only once', async () => {
  const { calls, service } = recorder();
  const states: LifecycleState[] = [];
  const services = [service('pool'), service('producer'), service('consumer')];
  const lifecycle = new Lifecycle(services, logger, (state) => states.push(state));
  await lifecycle.start();
  await Promise.all([lifecycle.drain('a'), lifecycle.drain('b')]);
  await lifecycle.drain('c');
  expect(calls).toEqual([
    'start pool',
    'start producer',
    'start consumer',
    'stop consumer',
    'stop producer',
    'stop pool',
  ]);
  expect(states).toEqual(['running', 'draining', 'drained']);
  expect(lifecycle.exitCode).toBe(0);
});

test('a failed start stops what was started, and its code becomes the exit code', async () => {
  const { calls, service } = recorder();
  const failure = Object.assign(new Error('schema is newer'), { exitCode: 78 });
  const bad = service('schema', { start: () => Promise.reject(failure) });
  const lifecycle = new Lifecycle([service('pool'), bad, service('consumer')], logger);
  await lifecycle.start();
  expect(calls).toEqual(['start pool', 'stop schema', 'stop pool']);
  expect([lifecycle.state, lifecycle.exitCode]).toEqual(['drained', 78]);
});

test('a drain during the start stops the service half way up and starts no other', async () => {
  const { calls, service } = recorder();
  const stopped = signal();
  const slow = service('slow', {
    start: () => stopped.fired,
    stop: async () => stopped.fire(),
  });
  const lifecycle = new Lifecycle([service('pool'), slow, service('consumer')], logger);
  const starting = lifecycle.start();
  await Promise.resolve();
  await lifecycle.drain('early');
  await starting;
  expect(calls).toEqual(['start pool', 'stop pool']);
  expect([lifecycle.state, lifecycle.exitCode]).toEqual(['drained', 0]);
});

test('a service that ends by itself drains the others and fails the process', async () => {
  const { calls, service } = recorder();
  const failed = signal<Error>();
  const drained = signal();
  const services = [service('pool'), service('consumer', { failed: failed.fired })];
  const lifecycle = new Lifecycle(services, logger, (state) => {
    if (state === 'drained') drained.fire();
  });
  await lifecycle.start();
  failed.fire(new Error('a bug'));
  await drained.fired;
  expect(calls.slice(2)).toEqual(['stop consumer', 'stop pool']);
  expect(lifecycle.exitCode).toBe(1);
});

test('a stop that fails does not keep the others up', async () => {
  const { calls, service } = recorder();
  const bad = service('bad', { stop: () => Promise.reject(new Error('no')) });
  const lifecycle = new Lifecycle([service('pool'), bad], logger);
  await lifecycle.start();
  await lifecycle.drain('test');
  expect(calls).toContain('stop pool');
  expect(lifecycle.exitCode).toBe(1);
});

test('what is prepared is stopped also where nothing was started, and in its order', async () => {
  const { calls, service } = recorder();
  const prepared = (name: string) =>
    service(name, { prepare: () => void calls.push(`prepare ${name}`) });
  const services = [service('presence'), prepared('consumer'), prepared('letters')];
  const early = new Lifecycle(services, logger);
  early.prepare();
  await early.drain('the admin port is taken');
  await early.start();
  expect(calls.splice(0)).toEqual([
    'prepare consumer',
    'prepare letters',
    'stop letters',
    'stop consumer',
  ]);
  const whole = new Lifecycle(services, logger);
  whole.prepare();
  await whole.start();
  await whole.drain('over');
  expect(calls.slice(2)).toEqual([
    'start presence',
    'start consumer',
    'start letters',
    'stop letters',
    'stop consumer',
    'stop presence',
  ]);
});
