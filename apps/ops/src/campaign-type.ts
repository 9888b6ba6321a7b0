import type { ValueType } from '@adtally/command-line';

/** A campaign exactly as events name it: blanks around it are part of the name, and so is a dash before it. */
export const campaign: ValueType<string> = {
  placeholder: 'CAMPAIGN',
  // Else `--campaign --json` would take the option for the name.
  allowed: 'a name that does not begin with two dashes',
  hint: 'exactly as events name it',
  parse: (given) => (given === '' || given.startsWith('--') ? undefined : given),
};
