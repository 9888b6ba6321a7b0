import { expect, test } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.ts';

test('opens at the threshold, tries once after the pause, closes on success', () => {
  const breaker = new CircuitBreaker(3, 1000);
  breaker.failed(0);
  breaker.failed(1);
  expect(breaker.isOpen(2)).toBe(false);
  breaker.failed(2);
  expect([breaker.isOpen(3), breaker.isOpen(1001), breaker.isOpen(1002)]).toEqual([
    true,
    true,
    false,
  ]);
  breaker.failed(1003);
  expect(breaker.isOpen(1004)).toBe(true);
  breaker.succeeded();
  breaker.failed(2004);
  expect(breaker.isOpen(2005)).toBe(false);
});
