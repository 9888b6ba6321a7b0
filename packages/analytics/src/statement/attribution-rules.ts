import { ALGORITHMS, type RollupDefinition } from '../definitions.ts';
import { type Statement, UnreadableStatement } from './document.ts';

/** The rules of a version as a statement names them: all that its figures depend on. */
export function statedDefinition(definition: RollupDefinition): Statement['attribution'] {
  const { version, algorithm, windowMs, toleranceMs } = definition;
  return {
    version: String(version),
    algorithm,
    window_ms: String(windowMs),
    tolerance_ms: String(toleranceMs),
  };
}

/** The rules a statement names. @throws UnreadableStatement where this build lacks its algorithm */
export function definitionOf({ attribution }: Statement): RollupDefinition {
  const algorithm = ALGORITHMS.find((known) => known === attribution.algorithm);
  if (algorithm === undefined) {
    throw new UnreadableStatement(
      `it is made by "${attribution.algorithm}", which this build lacks`,
    );
  }
  return {
    version: Number(attribution.version),
    algorithm,
    windowMs: Number(attribution.window_ms),
    toleranceMs: Number(attribution.tolerance_ms),
    rollups: ['campaign'],
  };
}
