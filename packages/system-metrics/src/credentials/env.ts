/** The path in a variable that only a library or Node itself reads; '' = none. */
export function pathIn(variable: string): string {
  return process.env[variable] ?? '';
}
