/** What `--help` prints. */
export const HELP = `Looks after dead letters and incidents.

  dead-letters list                what failed, newest first            [filters] --limit N --after ID
  dead-letters show <id>           everything of one letter, bytes masked
                                     --reveal --reason TEXT prints them, and that is noted
  dead-letters stats               by state and by cause                [filters] --groups N
  redrive                          try letters again                    [filters] [order] --rate N
                                     --limit N --wait; without --execute it says what would come of it
  redrive jobs                     the jobs, newest first               --limit N
  redrive status <job>             one job; --wait follows it to its end
  redrive receipts <job>           what became of each letter           --outcome O --limit N --after PLACE
  redrive pause|resume|cancel <job> --reason TEXT
  discard                          never try these again; can be undone [filters] [order]
  restore                          undo discards                        [filters] [order] --discard N
  incidents list                   what people were told of, newest first
                                     --status firing|resolved --alert NAME --limit N
  incidents show <id>              one incident, its figures and notifications
  incidents ack <id> --reason TEXT [--actor NAME]

Filters: --id N --code C --fingerprint F --state S (each repeatable, or with commas), --source N,
--topic T, --partition N, --since T, --until T (RFC 3339, by when a letter was recorded; until excluded).
--code and --fingerprint go by what a letter failed with last.
Order: nothing changes without --execute --reason TEXT [--actor NAME]; above 1,000 letters also --confirm N,
the number of letters. --dry-run is what happens without --execute.

--json prints one JSON object as the last line of standard output. DATABASE_URL names the database.
Exit codes: 0 done, 1 failure, 2 wrong usage, 3 a job ended with dead or failed letters, 4 refused by a
guard or nothing matched, 69 the database cannot be reached, 78 configuration or schema.
`;
