import type { GroupConsumer } from '@adtally/kafka';
import type { LoopMetrics } from '../metrics.ts';

/** Counts heartbeats that the group's coordinator left unanswered, and when the group was joined again for one. */
export function countHeartbeats(
  { membership }: Pick<GroupConsumer, 'membership'>,
  metrics: Pick<LoopMetrics, 'groupHeartbeatsUnanswered' | 'groupRejoins'>,
): void {
  membership.tell((event) => {
    if (event === 'unanswered') metrics.groupHeartbeatsUnanswered.add(1);
    else metrics.groupRejoins.add(1, { reason: event });
  });
}
