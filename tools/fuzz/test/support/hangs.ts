import type { FuzzTarget } from '../../src/target.ts';

export default {
  name: 'hangs',
  what: 'a target with a fault, for the test of who finds it',
  share: 1,
  seeds: () => [Buffer.from('12345')],
  dictionary: [],
  run: (input) => {
    if (input.includes('7')) for (;;);
    return 'fine';
  },
} satisfies FuzzTarget;
