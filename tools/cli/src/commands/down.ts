import { stopStack } from '@adtally/local-stack';
import { command, EXIT, flag, JSON_OPTION, printJson, say } from '@adtally/command-line';

export const down = command({
  options: { ...JSON_OPTION, purge: flag('remove its data too') },
  run: async ({ options }) => {
    const ended = await stopStack({ purge: options.purge });
    if (options.json) printJson({ ended });
    else if (ended.length === 0) say('nothing of this clone was running');
    return EXIT.success;
  },
});
