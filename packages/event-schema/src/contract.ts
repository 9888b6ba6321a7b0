import { fieldsOf } from './event.ts';
import {
  byEventType,
  FIELDS,
  payloadColumns,
  type EventType,
  type FieldDeclaration,
  type PayloadColumn,
} from './fields.ts';
import { type FieldProblem, fieldProblem, fieldRule } from './field-rule.ts';
import { newestVersion, SCHEMA_VERSIONS, type SchemaVersion } from './versions.ts';

/** Names every version of the contract has; they say how to read the rest. */
export const ENVELOPE_NAMES = ['schema_version', 'event_type'] as const;

/** What the decoders know of one field. */
export interface FieldPlan {
  readonly field: FieldDeclaration;
  /** Index into the batch's columns, or -1 where the value is checked and forgotten. */
  readonly columnIndex: number;
  /** One sentence: what the value must be. */
  readonly rule: string;
  /** What is wrong with a raw value, or `null`. */
  readonly problemOf: (value: unknown) => FieldProblem | null;
}

/** A field of one event type. */
export interface TypeFieldPlan extends FieldPlan {
  readonly required: boolean;
}

/** The field table compiled for decoding; both decoders are made from the same one. */
export interface Contract {
  readonly columns: readonly PayloadColumn[];
  readonly versions: readonly SchemaVersion[];
  readonly newestVersion: number;
  /** In declaration order, whatever the event type. */
  readonly fields: readonly FieldPlan[];
  /** The fields an event of that type may carry, in declaration order. */
  readonly byType: Readonly<Record<EventType, readonly TypeFieldPlan[]>>;
}

/** Compiles a field table and its versions. The default is the product's own contract. */
export function createContract(
  fields: readonly FieldDeclaration[] = FIELDS,
  versions: readonly SchemaVersion[] = SCHEMA_VERSIONS,
): Contract {
  const columns = payloadColumns(fields);
  const plans = new Map(fields.map((field) => [field.name, planOf(field, columns)]));
  const plansOf = (type: EventType): readonly TypeFieldPlan[] =>
    fieldsOf(type, fields).map((field) => ({
      ...(plans.get(field.name) as FieldPlan),
      required: field.requiredIn.includes(type),
    }));
  return {
    columns,
    versions,
    newestVersion: newestVersion(versions),
    fields: [...plans.values()],
    byType: byEventType(plansOf),
  };
}

function planOf(field: FieldDeclaration, columns: readonly PayloadColumn[]): FieldPlan {
  return {
    field,
    columnIndex: columns.findIndex((column) => column.name === field.column),
    rule: fieldRule(field),
    problemOf: (value) => fieldProblem(field, value),
  };
}

/** The product's contract. */
export const CONTRACT = createContract();
