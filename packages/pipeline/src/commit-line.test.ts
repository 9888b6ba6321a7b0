import { expect, it } from 'vitest';
import type { BatchWork } from './batch-work.ts';
import { CommitLine } from './commit-line.ts';

type Work = BatchWork;
type Step = 'prepare' | 'write';

/** A line whose steps end when they are told to; what began and ended is noted as `prepare 1`, `write 1 ends`. */
function steered() {
  const said: string[] = [];
  const names = new Map<Work, number>();
  const under = new Map<string, PromiseWithResolvers<void>>();
  const step = (kind: Step) => async (work: Work) => {
    const name = `${kind} ${names.get(work)}`;
    said.push(name);
    const ending = Promise.withResolvers<void>();
    under.set(name, ending);
    await ending.promise;
    said.push(`${name} ends`);
  };
  const line = new CommitLine(1, { prepare: step('prepare'), write: step('write') });
  const push = async (name: number, confirmed?: Promise<void>) => {
    const work = await line.room();
    names.set(work, name);
    line.push(work, confirmed);
    await settled();
  };
  const end = async (name: string, failure?: Error) => {
    const ending = under.get(name);
    if (ending === undefined) throw new Error(`${name} is not under way`);
    if (failure === undefined) ending.resolve();
    else ending.reject(failure);
    await settled();
  };
  return { line, said, push, end };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

it('prepares a batch while the one ahead of it is written, and keeps their order', async () => {
  const { line, said, push, end } = steered();
  await push(1);
  await push(2);
  expect(said).toEqual(['prepare 1']);
  await end('prepare 1');
  expect(said.slice(2).toSorted()).toEqual(['prepare 2', 'write 1']);
  await end('prepare 2');
  expect(said).not.toContain('write 2');
  await end('write 1');
  expect(said.at(-1)).toBe('write 2');
  expect(line.isBusy).toBe(true);
  await end('write 2');
  await line.drained();
  expect(line.isBusy).toBe(false);
});

it('has room for three batches, and for a fourth when the first is through', async () => {
  const { line, push, end } = steered();
  await push(1);
  await push(2);
  await push(3);
  let hasRoom = false;
  const room = line.room().then((work) => {
    hasRoom = true;
    return work;
  });
  await end('prepare 1');
  expect(hasRoom).toBe(false);
  await end('write 1');
  expect(hasRoom).toBe(true);
  expect((await room).isEmpty).toBe(true);
});

it('writes nothing that is not confirmed', async () => {
  const { said, push, end } = steered();
  const confirmation = Promise.withResolvers<void>();
  await push(1, confirmation.promise);
  await end('prepare 1');
  expect(said).not.toContain('write 1');
  confirmation.resolve();
  await settled();
  expect(said.at(-1)).toBe('write 1');
});

it('lets nothing through behind a failure, and tells it once nothing is under way', async () => {
  const { line, said, push, end } = steered();
  const failure = new Error('the disk is full');
  await push(1);
  await push(2);
  await end('prepare 1');
  await end('write 1', failure);
  let told: unknown = null;
  const drained = line.drained().catch((error: unknown) => {
    told = error;
  });
  await settled();
  expect(told).toBeNull();
  await end('prepare 2');
  await drained;
  expect(told).toBe(failure);
  await expect(line.room().then(() => line.room())).rejects.toBe(failure);
  expect(said).not.toContain('write 2');
});
