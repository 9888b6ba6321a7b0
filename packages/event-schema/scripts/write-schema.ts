// Writes the published JSON Schema from the field table: `pnpm --filter @adtally/event-schema schema`.
import { writeFileSync } from 'node:fs';
import { publishedSchemaText } from '../src/schema.ts';

writeFileSync(new URL('../schema/ad-event.schema.json', import.meta.url), publishedSchemaText());
