import { EXIT } from './exit-codes.ts';
import { flag } from './parameters.ts';

/** The option of every program that has a configuration. */
export const CHECK_CONFIG_OPTION = {
  'check-config': flag(
    'only check the configuration: print it, or what is wrong with it (exit 78)',
  ),
} as const;

/** Prints what is in effect, credentials masked; a wrong configuration does not get this far. */
export function tellConfig(effective: Readonly<Record<string, string>>): number {
  const lines = Object.entries(effective).map(([name, value]) => `${name}=${value}`);
  process.stdout.write(`${lines.join('\n')}\nconfiguration ok\n`);
  return EXIT.success;
}
