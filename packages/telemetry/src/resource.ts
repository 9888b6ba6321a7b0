import type { Attributes } from '@opentelemetry/api';
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources';

/** What the environment says of who exports; empty = nothing. */
export interface OtelIdentity {
  /** OTEL_SERVICE_NAME. */
  readonly otelServiceName: string;
  /** OTEL_RESOURCE_ATTRIBUTES. */
  readonly otelResourceAttributes: string;
}

/** Who exports: OTEL_SERVICE_NAME over OTEL_RESOURCE_ATTRIBUTES over the service's own name. */
export function describeResource(
  service: string,
  version: string,
  identity: OtelIdentity | undefined,
): Resource {
  const attributes: Attributes = {
    'service.name': service,
    'service.version': version,
    ...parseAttributes(identity?.otelResourceAttributes ?? ''),
  };
  const name = identity?.otelServiceName ?? '';
  if (name !== '') attributes['service.name'] = name;
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
