import { expect, test } from 'vitest';
import { readTraceParent } from './trace-parent.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test('what is written as the standard says names a span elsewhere', () => {
  const named = { traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true };
  expect(readTraceParent(`00-${TRACE}-${SPAN}-01`)).toEqual(named);
  // Further flags, and what versions to come may add.
  expect(readTraceParent(`00-${TRACE}-${SPAN}-03`)).toEqual({ ...named, traceFlags: 3 });
  expect(readTraceParent(`cc-${TRACE}-${SPAN}-01-what-is-to-come`)).toEqual(named);
});

test.each([
  ['not recorded', `00-${TRACE}-${SPAN}-00`],
  ['empty', ''],
  ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['version ff', `ff-${TRACE}-${SPAN}-01`],
  ['more behind version 00', `00-${TRACE}-${SPAN}-01-more`],
  ['blanks around it', ` 00-${TRACE}-${SPAN}-01`],
  ['a newline behind it', `00-${TRACE}-${SPAN}-01\n`],
  ['too long', `cc-${TRACE}-${SPAN}-01-${'x'.repeat(300)}`],
])('%s names none', (_what, text) => {
  expect(readTraceParent(text)).toBeNull();
});
