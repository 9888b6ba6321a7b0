import type { Attributes } from '@opentelemetry/api';
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources';

/** The variables of a process, or a part of them. */
export type EnvLike = Readonly<Record<string, string | undefined>>;

/**
 * Who exports: OTEL_SERVICE_NAME over OTEL_RESOURCE_ATTRIBUTES over the service's own name. Given an
 * object instead of process.env, so that tests and several services in one process stay apart.
 */
export function describeResource(service: string, version: string, env: EnvLike): Resource {
  const attributes: Attributes = {
    'service.name': service,
    'service.version': version,
    ...parseAttributes(env['OTEL_RESOURCE_ATTRIBUTES'] ?? ''),
  };
  const name = env['OTEL_SERVICE_NAME'];
  if (name !== undefined && name !== '') attributes['service.name'] = name;
  return resourceFromAttributes(attributes);
}

/** `key=value,key=value`, percent-encoded; as the specification says, one bad pair voids the whole. */
function parseAttributes(text: string): Attributes {
  const attributes: Attributes = {};
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    if (equals < 1) return {};
    try {
      attributes[pair.slice(0, equals).trim()] = decodeURIComponent(pair.slice(equals + 1).trim());
    } catch {
      return {};
    }
  }
  return attributes;
}
