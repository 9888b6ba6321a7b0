/** `sslmode` where an address has none, as in libpq; undefined = there is none either. */
export function defaultSslMode(): string | undefined {
  return process.env['PGSSLMODE'] || undefined;
}
