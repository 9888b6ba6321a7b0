import { EXIT } from '@adtally/command-line';
import { StackError } from './errors.ts';
import { type Report, reportWhile } from './report.ts';
import { run } from './run.ts';

const TAIL_LINES = 20;

/**
 * Installs packages without leaving their services running: Debian starts PostgreSQL and Redis on
 * installation and makes a first database cluster. The stack only wants the programs. Files made
 * for that are removed again; what the machine's owner put there stays.
 */
const INSTALL_SCRIPT = `
set -e
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d/adtally.conf
made=''
trap 'rm -f $made' EXIT
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\\nexit 101\\n' >"$policy"
  chmod 755 "$policy"
  made="$policy"
fi
mkdir -p "$(dirname "$cluster")"
printf 'create_main_cluster = false\\n' >"$cluster"
made="$made $cluster"
export DEBIAN_FRONTEND=noninteractive
apt-get install -y -q --no-install-recommends "$@"
if [ -d /run/systemd/system ]; then
  for package in "$@"; do
    case "$package" in redis-server) systemctl disable --quiet redis-server || true ;; esac
  done
fi
`;

async function rootPrefix(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  const sudo = await run('sudo', ['-n', 'true']);
  return sudo.code === 0 ? ['sudo', '-n'] : undefined;
}

async function runAsRoot(prefix: readonly string[], argv: readonly string[]): Promise<void> {
  const [file = '', ...args] = [...prefix, ...argv];
  const result = await run(file, args);
  if (result.code !== 0) {
    const tail = result.output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
    throw new StackError(`${argv.slice(0, 2).join(' ')} failed (exit ${result.code}):\n${tail}`, {
      exitCode: EXIT.unavailable,
    });
  }
}

/** Packages that apt knows here, in the order given. */
async function available(names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    const { code, output } = await run('apt-cache', ['policy', name]);
    if (code === 0 && /Candidate: (?!\(none\))/.test(output)) found.push(name);
  }
  return found;
}

/** What a missing program is called, and the Debian packages that bring it. */
export interface AptWish {
  readonly what: string;
  /** Each inner list holds alternatives: the first that apt knows is taken. */
  readonly packages: readonly (readonly string[])[];
  /** What to do instead of installing, for the error message. */
  readonly instead: string;
}

/**
 * Installs what a wish names with apt, as root or through sudo.
 * @throws StackError (exit code 69) with the exact line to run where that is not allowed.
 */
export async function aptInstall(wish: AptWish, report: Report): Promise<void> {
  const firstNames = wish.packages.map((alternatives) => alternatives[0] ?? '');
  if ((await run('apt-get', ['--version'])).code !== 0) {
    throw new StackError(
      `${wish.what} is missing and there is no apt-get here; install it by hand, or ${wish.instead}`,
      { exitCode: EXIT.unavailable },
    );
  }
  const prefix = await rootPrefix();
  if (prefix === undefined) {
    throw new StackError(
      `${wish.what} is missing and this user may not install it. Run:\n` +
        `    sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends ${firstNames.join(' ')}'\n` +
        `or ${wish.instead}`,
      { exitCode: EXIT.unavailable },
    );
  }
  report(`${wish.what} is missing; installing it with apt (apt-get update first)`);
  await reportWhile(report, 'apt-get update', () => runAsRoot(prefix, ['apt-get', 'update', '-q']));
  const chosen: string[] = [];
  for (const alternatives of wish.packages) {
    const [name] = await available(alternatives);
    if (name === undefined) {
      throw new StackError(
        `${wish.what} is missing and apt has none of: ${alternatives.join(', ')}; ${wish.instead}`,
        { exitCode: EXIT.unavailable },
      );
    }
    chosen.push(name);
  }
  report(`installing ${chosen.join(' ')}`);
  await reportWhile(report, 'apt-get install', () =>
    runAsRoot(prefix, ['sh', '-c', INSTALL_SCRIPT, 'sh', ...chosen]),
  );
}
