import { TraceFlags, type SpanContext } from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';

export const TRACE_PARENT_HEADER = 'traceparent';
/** Of version 00, which may be followed by more in versions to come. */
const LENGTH = 55;
const LENGTH_MAX = 256;

/**
 * The span that a header `traceparent` names (https://www.w3.org/TR/trace-context/). Null where it is not written so,
 * or nobody recorded that span: a link would lead nowhere.
 */
export function readTraceParent(text: string): SpanContext | null {
  if (text.length < LENGTH || text.length > LENGTH_MAX || text.trim() !== text) return null;
  const context = parseTraceParent(text);
  if (context === null || (context.traceFlags & TraceFlags.SAMPLED) === 0) return null;
  return { ...context, isRemote: true };
}
