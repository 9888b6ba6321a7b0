export { captured, type Outcome } from './captured.ts';
export { checkCommandLine } from './check-command-line.ts';
export { declaredCommands, type DeclaredCommand } from './declared-commands.ts';
