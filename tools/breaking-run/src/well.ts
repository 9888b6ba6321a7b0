import { recordsBehind, waiting } from './behind.ts';
import { look } from './look.ts';
import type { World } from './world.ts';

/** On a busy machine a service that is well answers late. */
const ANSWER_LIMIT_MS = 20_000;

/** Whether a world at work is as it should be: all ready, nothing stands still or waits. */
export async function isWell(world: World): Promise<boolean> {
  return (await whyNotWell(world)) === '';
}

/** What is not as it should be in a world at work; empty where all is well. */
export async function whyNotWell(world: World): Promise<string> {
  const { services } = await look(world, ANSWER_LIMIT_MS);
  const unready = services.filter(({ ready }) => !ready);
  if (unready.length > 0) {
    return unready.map((one) => `${one.label} is not ready ${one.waiting}`).join(', ');
  }
  const stuck = services
    .flatMap((one) => one.samples)
    .filter(({ name, value }) => /^adtally_partition_(?:halted|stuck)$/.test(name) && value > 0);
  if (stuck.length > 0) return stuck.map(({ name, labels }) => `${name}{${labels}}`).join(', ');
  const records = waiting(await recordsBehind(world), world);
  return records.length > 0 ? `not counted: ${records.join(', ')}` : '';
}
