import { takeServiceStates } from '@adtally/db';
import { SERVICE_METRICS } from '../metrics.ts';
import type { Figures } from './figures.ts';

/** Which services live, those that are dead too. */
export const serviceFigures: Figures = {
  name: 'services',
  metrics: SERVICE_METRICS,
  async tell(session, metrics) {
    const states = await takeServiceStates(session);
    metrics.serviceHeartbeat.clear();
    metrics.serviceProcesses.clear();
    for (const { service, lastAtWorkSeconds, processes } of states) {
      metrics.serviceHeartbeat.set(lastAtWorkSeconds, { service });
      metrics.serviceProcesses.set(processes, { service });
    }
  },
};
