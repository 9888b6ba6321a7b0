import { type ConfigOf, type EnvField, text } from '@adtally/config';
import { archiveUrlProblem } from './stores/open-store.ts';

/** Where archived days lie. */
export const ARCHIVE_ENV = {
  archiveUrl: checked(
    text('ARCHIVE_URL', {
      default: '',
      trim: true,
      meaning:
        'where days are archived: `file:///folder` or `s3://bucket/prefix`, with endpoint, region and credentials by AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the others of AWS; empty = nowhere (docs/archive.md)',
    }),
  ),
} as const;

export type ArchiveConfig = ConfigOf<typeof ARCHIVE_ENV>;

function checked(plain: EnvField<string>): EnvField<string> {
  return {
    ...plain,
    read(env) {
      const reading = plain.read(env);
      if ('problems' in reading || reading.value === '') return reading;
      const problem = archiveUrlProblem(reading.value);
      return problem === undefined ? reading : { problems: [`${plain.variable} ${problem}`] };
    },
  };
}
