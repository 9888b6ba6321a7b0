/** How a deployment replaces the processes that count. */
export interface DeployWay {
  readonly protocol: 'consumer' | 'classic';
  /** Every process keeps its partitions by a `GROUP_INSTANCE_ID` of its own. */
  readonly isStatic: boolean;
  /**
   * - `kill`: the one process is killed, and started again after a window in which nobody counts
   * - `in_place`: the one process is drained, and started again at once
   * - `rolling`: of three processes each is drained and started again, one after the other
   * - `surge`: the same, but what takes its place is started first, and stands by until it has left
   */
  readonly how: 'kill' | 'in_place' | 'rolling' | 'surge';
}

/** Of a deployment that replaces one process after the other. */
export const SEVERAL_INSTANCES = 3;

/** Every way that is measured, by what its figures begin with. */
export const DEPLOY_WAYS = {
  kill: { how: 'kill', protocol: 'consumer', isStatic: false },
  in_place: { how: 'in_place', protocol: 'consumer', isStatic: false },
  in_place_static: { how: 'in_place', protocol: 'consumer', isStatic: true },
  rolling: { how: 'rolling', protocol: 'consumer', isStatic: false },
  rolling_static: { how: 'surge', protocol: 'consumer', isStatic: true },
  rolling_static_drained_first: { how: 'rolling', protocol: 'consumer', isStatic: true },
  classic_kill: { how: 'kill', protocol: 'classic', isStatic: false },
  classic_in_place: { how: 'in_place', protocol: 'classic', isStatic: false },
  classic_in_place_static: { how: 'in_place', protocol: 'classic', isStatic: true },
  classic_rolling: { how: 'rolling', protocol: 'classic', isStatic: false },
  classic_rolling_static: { how: 'surge', protocol: 'classic', isStatic: true },
} as const satisfies Readonly<Record<string, DeployWay>>;

export type DeployName = keyof typeof DEPLOY_WAYS;
