import { askTypes } from './ask-registry.ts';
import type { SchemaRegistryConfig } from './env.ts';
import { RegistryFailure } from './registry-failure.ts';

/** Tries the registry once, as `--check-connections` does; none where no address is given. */
export function registryCheck(config: SchemaRegistryConfig) {
  if (config.schemaRegistryUrl === '') return [];
  return [
    {
      server: 'Schema registry (SCHEMA_REGISTRY_URL)',
      explain: (error: unknown) =>
        error instanceof RegistryFailure
          ? {
              kind: error.kind,
              code: error.kind === 'refused' ? 'registry_refused' : 'registry_unreachable',
              detail: error.message,
            }
          : null,
      attempt: async (): Promise<string> => `it keeps ${(await askTypes(config)).join(', ')}`,
    },
  ];
}
