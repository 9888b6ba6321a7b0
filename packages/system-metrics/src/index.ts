export { CredentialTeller } from './credentials/credential-teller.ts';
export { SystemMetricsExporter } from './exporter.ts';
export { letterCounts } from './figures/letters.ts';
export { readFreshness } from './figures/rollups.ts';
export { LagTeller } from './lag/lag-teller.ts';
export { SYSTEM_METRICS } from './metrics.ts';
export { ServicePresence } from './presence.ts';
