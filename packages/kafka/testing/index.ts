export { FetchedLog } from '../src/record-batch/fetched-log.ts';
export { RecordSpans } from '../src/record-batch/record-spans.ts';
export { encodeBatch, encodeMarker, sealed, type EncodedRecord } from '../test/encode-batch.ts';
