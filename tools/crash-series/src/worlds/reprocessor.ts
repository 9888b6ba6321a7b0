import { garbage, shown } from '@adtally/pipeline/testing';
import { ServiceProcess, uniqueName } from '@adtally/testkit';
import { inOrder } from '../in-order.ts';
import type { Stage } from '../world.ts';
import { patiently } from '../patiently.ts';
import { ingestedWorld } from './ingested.ts';
import { compared } from './world-database.ts';

const REFUSED = 6;
const STORED = 2;

/** Rows that the consumer's session is refused and a retry is not. */
const REFUSE = `
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.campaign_id = 'poison' AND current_setting('application_name') LIKE 'adtally-test-ingest%' THEN
      RAISE EXCEPTION 'refused' USING ERRCODE = '22000';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse();`;

/** dlq-reprocessor on letters that a retry stores and on such as nobody can read. */
export const reprocessorStage: Stage = {
  name: 'dlq-reprocessor copies, retries and buries',
  protocol: 'reprocessor',
  app: 'dlq-reprocessor',
  open: async (build) => {
    const world = await ingestedWorld();
    const { database, ingest } = world;
    await database.rows(REFUSE);
    let feeds = 0;
    const count = (state: string) =>
      database.number(`SELECT count(*) FROM dead_letters WHERE state = '${state}'`);
    const open = async () =>
      feeds * (REFUSED + 1) - (await count('resolved')) - (await count('dead'));
    return {
      async feed() {
        if ((await open()) > 0) return;
        const from = feeds * (REFUSED + STORED);
        const refused = Array.from({ length: REFUSED }, (_, n) => shown(from + n, 'poison'));
        const stored = Array.from({ length: STORED }, (_, n) => shown(from + REFUSED + n));
        await ingest.take([...stored, ...refused, garbage(`never ${feeds}`)]);
        feeds += 1;
      },
      start: async (env) =>
        database.started(
          new ServiceProcess(build.main('dlq-reprocessor'), {
            ...world.env,
            REPROCESSOR_GROUP: uniqueName('adtally_crash'),
            RETRY_INTERVAL_MS: '200ms',
            RETRY_BACKOFF_FIRST_MS: '100ms',
            RETRY_BACKOFF_LAST_MS: '300ms',
            // A kill costs the letters in hand a try, and a chain kills often.
            MAX_ATTEMPTS: '100',
            MAX_ATTEMPTS_BY_CODE: 'malformed_json=2',
            ...env,
          }),
        ),
      settled: async (by) => {
        await patiently(by, 'every letter resolved or dead', async () => (await open()) === 0);
      },
      end: inOrder,
      claims: () => database.number('SELECT sum(epoch) FROM cursors'),
      unbalanced: () => database.unbalanced(),
      differences: async () => {
        const { end } = await world.admin.watermarks(world.dead, 0);
        const found = {
          events: await database.number('SELECT count(*) FROM events'),
          keys: await database.number('SELECT count(DISTINCT event_key) FROM events'),
          resolved: await count('resolved'),
          dead: await count('dead'),
          'tries left open': await database.number(
            'SELECT count(*) FROM dead_letter_attempts WHERE finished_at IS NULL',
          ),
          // Sent again by an heir it is the same letter, so there may be more.
          'on the dead topic': Math.min(end, feeds),
        };
        const events = feeds * (REFUSED + STORED);
        return compared(found, {
          events,
          keys: events,
          resolved: feeds * REFUSED,
          dead: feeds,
          'tries left open': 0,
          'on the dead topic': feeds,
        });
      },
      close: () => world.close(),
    };
  },
};
