import { stopStack } from '@adtally/local-stack';

import { parseCommand } from '../args.ts';
import { printJson, say } from '../output.ts';

/** Ends exactly what `up` started. With --purge its data goes too. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseCommand(args, {
    json: { type: 'boolean', default: false },
    purge: { type: 'boolean', default: false },
  });
  const ended = await stopStack({ purge: values.purge });
  if (values.json) printJson({ ended });
  else if (ended.length === 0) say('nothing of this clone was running');
  return 0;
}
