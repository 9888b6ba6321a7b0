/**
 * The scanner: the fast path of decoding. It reads the message bytes once and writes the columns without
 * making strings or objects. It knows the ordinary shape only (what is read as the newest version, no escapes, short
 * plain integers, nothing twice); at anything else it answers false, having left no trace, and the
 * reference decoder takes the record. A differential test holds the two together.
 */
import { VERDICT, type BatchColumn, type EventBatch } from '../batch.ts';
import { ENVELOPE_NAMES, type Contract, type TypeFieldPlan } from '../contract.ts';
import { EVENT_TYPES, type FieldKind } from '../fields.ts';
import { textLimit } from '../field-rule.ts';
import { digitsValue, storeInteger, storeUuid, timeMicros } from './ascii-values.ts';
import type { DecodeLimits } from './limits.ts';
import { integerEnd, SPAN, SpanReader } from './span-reader.ts';
import { codePoints } from './utf8.ts';

/**
 * Decodes a row of the ordinary shape; false = undecided still, nothing changed. Where the event is wrapped, its
 * place is given: from byte `skipped` of the value on, `length` bytes.
 */
export type Scanner = (
  batch: EventBatch,
  row: number,
  limits: DecodeLimits,
  skipped?: number,
  length?: number,
) => boolean;

const ENVELOPE = ENVELOPE_NAMES.length;
const VERSION_SPAN = 0;
const TYPE_SPAN = 1;
const UUID_BYTES = 16;
const CURRENCY_LETTERS = 3;
const LETTER_A = 0x41;
const LETTER_Z = 0x5a;

/** A field as the scanner needs it. */
interface ScanField {
  /** Index of the span that holds its value. */
  readonly span: number;
  readonly kind: FieldKind;
  readonly required: boolean;
  /** -1 where the value is checked and forgotten. */
  readonly columnIndex: number;
  /** `text` only: the longest value in code points. */
  readonly maxLength: number;
}

/** Makes the scanner of a contract; the batch's columns must be the contract's. */
export function createScanner(contract: Contract): Scanner {
  const names = contract.fields.map((plan) => plan.field.name);
  const spans = new SpanReader([...ENVELOPE_NAMES, ...names]);
  const fieldsByType = EVENT_TYPES.map((type) =>
    contract.byType[type].map((plan) => scanField(plan, names)),
  );
  const typeNames = EVENT_TYPES.map((type) => new TextEncoder().encode(type));
  const known = new Set(contract.versions.map((one) => one.version));
  // A version of our own is upcast, whatever an operator says of it.
  const isVouchedFor = (version: number, { readAsNewest }: DecodeLimits): boolean =>
    readAsNewest?.has(version) === true && !known.has(version);
  // Checked-and-forgotten values are stored nowhere; a uuid among them needs somewhere to go.
  const scratch = new Uint8Array(UUID_BYTES);

  return (batch, row, limits, skipped = 0, length?: number) => {
    const { places } = batch;
    const bytes = places.bytes[row];
    const whole = places.valueLength[row] as number;
    if (bytes === undefined || whole > limits.maxValueBytes || limits.maxDepth < 1) return false;
    const start = (places.valueStart[row] as number) + skipped;
    if (!spans.read(bytes, start, start + (length ?? whole - skipped))) return false;
    if (spans.kind[VERSION_SPAN] !== SPAN.integer || spans.kind[TYPE_SPAN] !== SPAN.string)
      return false;
    const version = digitsValue(
      bytes,
      spans.start[VERSION_SPAN] as number,
      spans.end[VERSION_SPAN] as number,
    );
    if (version !== contract.newestVersion && !isVouchedFor(version, limits)) return false;
    const type = typeOf(bytes, spans, typeNames);
    const fields = fieldsByType[type];
    if (fields === undefined) return false;

    const arenaUsed = batch.arenaUsed;
    let used = ENVELOPE;
    for (const field of fields) {
      const kind = spans.kind[field.span];
      if (kind === SPAN.absent || kind === SPAN.null) {
        if (kind === SPAN.null) used += 1;
        if (!field.required) continue;
      } else if (
        storeField(batch, row, bytes, spans, field, scratch) ||
        (isQuotedAmount(spans, field, limits) && storeQuotedAmount(batch, row, bytes, spans, field))
      ) {
        used += 1;
        continue;
      }
      batch.arenaUsed = arenaUsed;
      for (const column of batch.columns) column.present[row] = 0;
      return false;
    }
    batch.unknownFields += spans.unknown + spans.found - used;
    batch.eventType[row] = type;
    batch.verdict[row] = VERDICT.event;
    return true;
  };
}

function scanField(plan: TypeFieldPlan, names: readonly string[]): ScanField {
  const { field, required, columnIndex } = plan;
  return {
    span: ENVELOPE + names.indexOf(field.name),
    kind: field.kind,
    required,
    columnIndex,
    maxLength: field.kind === 'text' ? textLimit(field) : 0,
  };
}

function typeOf(bytes: Uint8Array, spans: SpanReader, typeNames: readonly Uint8Array[]): number {
  const start = spans.start[TYPE_SPAN] as number;
  const length = (spans.end[TYPE_SPAN] as number) - start;
  for (let type = 0; type < typeNames.length; type += 1) {
    const name = typeNames[type] as Uint8Array;
    if (name.length !== length) continue;
    let index = 0;
    while (index < length && bytes[start + index] === name[index]) index += 1;
    if (index === length) return type;
  }
  return -1;
}

function storeField(
  batch: EventBatch,
  row: number,
  bytes: Uint8Array,
  spans: SpanReader,
  field: ScanField,
  scratch: Uint8Array,
): boolean {
  const kind = spans.kind[field.span];
  if (kind !== (field.kind === 'micros' ? SPAN.integer : SPAN.string)) return false;
  const start = spans.start[field.span] as number;
  const end = spans.end[field.span] as number;
  const column = batch.columns[field.columnIndex];
  if (column !== undefined) column.present[row] = 1;
  switch (field.kind) {
    case 'uuid':
      return column === undefined
        ? storeUuid(bytes, start, end, scratch, 0)
        : storeUuid(bytes, start, end, column.bytes, row * UUID_BYTES);
    case 'time': {
      const micros = timeMicros(bytes, start, end);
      if (Number.isNaN(micros)) return false;
      if (column !== undefined) storeInteger(column, row, micros);
      return true;
    }
    case 'micros':
      if (column !== undefined) storeInteger(column, row, digitsValue(bytes, start, end));
      return true;
    case 'currency':
      if (end - start !== CURRENCY_LETTERS) return false;
      for (let at = start; at < end; at += 1)
        if ((bytes[at] as number) < LETTER_A || (bytes[at] as number) > LETTER_Z) return false;
      if (column !== undefined) storeText(batch, column, row, bytes, start, end);
      return true;
    case 'text':
      if (end === start) return false;
      // Never more code points than bytes: most values need no count.
      if (end - start > field.maxLength && codePoints(bytes, start, end) > field.maxLength)
        return false;
      if (column !== undefined) storeText(batch, column, row, bytes, start, end);
      return true;
    default:
      return field.kind satisfies never;
  }
}

function isQuotedAmount(spans: SpanReader, { kind, span }: ScanField, limits: DecodeLimits) {
  return kind === 'micros' && limits.amountsAsStrings === true && spans.kind[span] === SPAN.string;
}

/** An amount spelt in quoted digits, where the topic's rules allow it. */
function storeQuotedAmount(
  batch: EventBatch,
  row: number,
  bytes: Uint8Array,
  spans: SpanReader,
  { span, columnIndex }: ScanField,
): boolean {
  const start = spans.start[span] as number;
  const end = spans.end[span] as number;
  if (integerEnd(bytes, start, end) !== end) return false;
  const column = batch.columns[columnIndex];
  if (column === undefined) return true;
  column.present[row] = 1;
  storeInteger(column, row, digitsValue(bytes, start, end));
  return true;
}

function storeText(
  batch: EventBatch,
  column: BatchColumn,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const length = end - start;
  const target = batch.reserve(length);
  const { arena } = batch;
  for (let index = 0; index < length; index += 1)
    arena[target + index] = bytes[start + index] as number;
  column.start[row] = target;
  column.length[row] = length;
}
