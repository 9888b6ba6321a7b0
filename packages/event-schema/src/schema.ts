import { Type, type TSchema } from 'typebox';
import { EVENT_TYPES, FIELDS, type EventType, type FieldDeclaration } from './fields.ts';
import { CURRENCY_PATTERN, MICROS_MAX, textLimit } from './field-rule.ts';
import { TIME_PATTERN } from './time.ts';
import { UUID_PATTERN } from './uuid.ts';
import { SCHEMA_VERSION } from './versions.ts';

function publishedFieldSchema(field: FieldDeclaration): TSchema {
  const { description } = field;
  switch (field.kind) {
    case 'micros':
      // The limit is written as an exact integer: the double nearest to it is one too large.
      return Type.Integer({ description, minimum: 0, maximum: rawJson(MICROS_MAX.toString()) });
    case 'time':
      // No format: `date-time` knows no time without seconds.
      return Type.String({ description, pattern: TIME_PATTERN });
    case 'uuid':
      return Type.String({ description, format: 'uuid', pattern: UUID_PATTERN });
    case 'currency':
      return Type.String({ description, pattern: CURRENCY_PATTERN });
    case 'text':
      return Type.String({ description, minLength: 1, maxLength: textLimit(field) });
    default:
      return field.kind satisfies never;
  }
}

/** A number that is serialised as exactly this text. */
function rawJson(text: string): number {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text) as number;
}

function eventTypeSchema(type: EventType, fields: readonly FieldDeclaration[]): TSchema {
  const properties: Record<string, TSchema> = {
    schema_version: Type.Literal(SCHEMA_VERSION, {
      description: 'Version of the contract the event was written for.',
    }),
    event_type: Type.Literal(type),
  };
  for (const field of fields) {
    if (field.requiredIn.includes(type)) properties[field.name] = publishedFieldSchema(field);
    else if (field.optionalIn.includes(type))
      properties[field.name] = Type.Optional(
        Type.Union([publishedFieldSchema(field), Type.Null()]),
      );
  }
  return Type.Object(properties, { title: type });
}

/** The contract as a JSON Schema document, as text ending in a newline. */
export function publishedSchemaText(fields: readonly FieldDeclaration[] = FIELDS): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Adtally ad event',
    description:
      'One ad interaction event: JSON, UTF-8, one event per Kafka record, keyed by impression_id in ' +
      'lower case. Unknown fields are ignored; an optional field that is null is absent. Beyond this schema: a ' +
      'known field must not be repeated, integers are spelt in digits only (no fraction, no exponent), times ' +
      'must exist in the calendar; the digits of a fraction past the sixth are cut.',
    oneOf: EVENT_TYPES.map((type) => eventTypeSchema(type, fields)),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
