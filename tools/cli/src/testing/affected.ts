import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '@adtally/local-stack';
import { UsageError } from '@adtally/command-line';

const run = promisify(execFile);
const TURBO = join(repositoryRoot, 'node_modules/.bin/turbo');
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** What a branch is compared with where nobody says: what the others have, else what is here. */
const DEFAULT_BASES = ['origin/main', 'main'] as const;
const TASK = 'test';

/** The commit that changes are counted from. */
export interface Base {
  readonly commit: string;
  /** The branch or revision it was found by. */
  readonly ref: string;
}

export interface AffectedPackage {
  readonly name: string;
  /** Its folder, from the root. */
  readonly path: string;
}

async function git(root: string, ...args: string[]): Promise<string> {
  return (await run('git', args, { cwd: root })).stdout.trim();
}

/**
 * Where HEAD and a revision part, so that what came to the revision since then is nobody's change.
 *
 * @param wanted the revision; without it the first there is of `origin/main` and `main`
 * @throws UsageError where no such commit can be found
 */
export async function findBase(root: string, wanted?: string): Promise<Base> {
  const problems: string[] = [];
  for (const ref of wanted === undefined ? DEFAULT_BASES : [wanted]) {
    try {
      return { commit: await git(root, 'merge-base', '--end-of-options', ref, 'HEAD'), ref };
    } catch (error) {
      const { stderr = '' } = error as { stderr?: string };
      problems.push(stderr.trim() || `${ref} and HEAD have no commit in common`);
    }
  }
  throw new UsageError(`no commit to compare with; name one with --base (${problems.join('; ')})`);
}

interface Answer {
  readonly data: {
    readonly affectedTasks: {
      readonly items: readonly { readonly name: string; readonly package: AffectedPackage }[];
    };
  };
}

/**
 * The packages whose tests a change since `base` may turn red, by turbo: those it touches, those that
 * depend on them, and those whose `turbo.json` says that their tests need them. What is not committed
 * counts, new files too. A file outside of all packages is in the `inputs` of every package's tests.
 */
export async function affectedPackages(root: string, base: string): Promise<AffectedPackage[]> {
  const query = `query {
    affectedTasks(base: ${JSON.stringify(base)}, tasks: [${JSON.stringify(TASK)}]) {
      items { name package { name path } }
    }
  }`;
  const { stdout } = await run(TURBO, ['query', query], {
    cwd: root,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
    maxBuffer: ANSWER_BYTES_MAX,
  });
  const { items } = (JSON.parse(stdout) as Answer).data.affectedTasks;
  // The tasks they depend on come along.
  const packages = items.filter(({ name }) => name === TASK).map((item) => item.package);
  return packages.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}
