export { EXAMPLE_NAMES, type ExampleName, runExample } from './examples.ts';
export { placeKeys, type Placed } from './place-keys.ts';
export { nameOf, SUBJECTS, type Subject } from './subjects.ts';
export { recordRows, type Row } from './table.ts';
export { versionOf } from './versions.ts';
