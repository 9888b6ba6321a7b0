import { alertingFigures } from './alerting.ts';
import { auditFigures } from './audit.ts';
import { dayFigures } from './event-days.ts';
import type { Figures } from './figures.ts';
import { letterFigures } from './letters.ts';
import { lossFigures } from './losses.ts';
import { replayFigures } from './replays.ts';
import { rollupFigures } from './rollups.ts';
import { retentionFigures } from './retention.ts';
import { serviceFigures } from './services.ts';

/** All of the shared set. */
export const ALL_FIGURES: readonly Figures[] = [
  serviceFigures,
  letterFigures,
  rollupFigures,
  replayFigures,
  auditFigures,
  lossFigures,
  dayFigures,
  retentionFigures,
  alertingFigures,
];
