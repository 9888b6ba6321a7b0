const HELP = `Adtally counts every ad event exactly once, from Kafka into PostgreSQL, and proves it.

Usage: ./dev <command> [options]

  demo      whole pipeline with a kill in the middle; prints expected against actual
              --events N  --seed S  --json; on a database and topics of its own, which
              stay until the next demo
  test      every check and every test, against real servers
              [filters]  --repeat N  --affected  --base REF  --only gates|tests
  up        start Kafka, PostgreSQL and Redis where they are not running    --json
  down      end exactly what up started; --purge removes their data         --json
  status    which servers are there                                         --json
  migrate   bring the database's schema and the topics up to date
  ops       dead letters and incidents: look, redrive, discard, acknowledge         ./dev ops --help
  run       run one app from its sources: ./dev run ingest-consumer
  audit     check the guarantees on the live database; on the last demo's while nothing
            was counted in the stack's own; --full checks every rollup      --json
  sources   list the sources; accept-loss --reason TEXT after a halt
  bench     measure: ./dev bench drain --events N --json
  help      this text

Servers named by KAFKA_BROKERS, DATABASE_URL and REDIS_URL are used as they are; the others are
started locally. Exit codes: 0 success, 1 failure, 2 wrong usage, 69 something is missing.
`;

/** Prints the commands. */
export async function run(): Promise<number> {
  process.stdout.write(HELP);
  return 0;
}
