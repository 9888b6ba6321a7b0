import type { Exit, ServiceProcess } from '@adtally/testkit';

/** Ends a service by SIGTERM. One that does not listen for it yet would be killed by it like any program. */
export async function inOrder(service: ServiceProcess): Promise<Exit> {
  // Where it ended instead, its exit tells.
  await service.running().catch(() => undefined);
  return await service.stop();
}
