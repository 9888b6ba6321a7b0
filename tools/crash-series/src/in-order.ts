import type { Exit, ServiceProcess } from '@adtally/testkit';
import { patiently } from './patiently.ts';

/** Ends a service by SIGTERM. One that does not listen for it yet would be killed by it like any program. */
export async function inOrder(service: ServiceProcess): Promise<Exit> {
  const isRunning = async () => service.entries.some(({ msg }) => msg === 'running');
  // Where it ended instead, its exit tells.
  await patiently(service, 'running', isRunning).catch(() => undefined);
  return await service.stop();
}
