import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** How the lag went in one deployment. */
export interface LagCurve {
  readonly name: string;
  readonly points: readonly LagMoment[];
}

export interface LagMoment {
  /** From the first signal on; negative before it. */
  readonly seconds: number;
  /** Appended and not committed. */
  readonly records: number;
}

const WIDTH = 860;
const HEIGHT = 340;
const MARGIN_TOP = 40;
const MARGIN_LEFT = 76;
const MARGIN_RIGHT = 24;
/** Before the deployment: what the curves are held against. */
const SHOWN_BEFORE_SECONDS = 5;
const SHOWN_AFTER_SECONDS = 50;
/** A point of the picture shows the most of so long: what is short must be seen, and fifty points a second are not. */
const STEP_SECONDS = 0.2;
/** A logarithmic scale has no zero. */
const RECORDS_MIN = 10;
const TICKS = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
const AT_PEAK = { textAnchor: 'start', dx: 6, dy: -6, fontSize: 13 } as const;
/** Told apart also by who does not see red and green apart (Okabe and Ito, 2008). */
const COLORS = ['#d55e00', '#0072b2', '#009e73', '#cc79a7'];

/** The curves in one picture, the lag on a logarithmic scale: SVG, on white. */
export function lagPicture(curves: readonly LagCurve[], rate: number): string {
  const { document } = parseHTML('<html></html>');
  const moments = curves.flatMap(({ name, points }) =>
    peaks(points).map((point) => ({ name, ...point })),
  );
  const peak = curves.flatMap(({ name }) => highest(moments.filter((one) => one.name === name)));
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: HEIGHT,
    marginTop: MARGIN_TOP,
    marginLeft: MARGIN_LEFT,
    marginRight: MARGIN_RIGHT,
    style: { background: 'white', color: '#222', fontFamily: 'sans-serif', fontSize: '12px' },
    x: {
      domain: [-SHOWN_BEFORE_SECONDS, SHOWN_AFTER_SECONDS],
      label: 'seconds from the beginning of the deployment',
    },
    y: {
      type: 'log',
      nice: true,
      ticks: TICKS,
      label: `events not yet counted, of ${rate.toLocaleString('en')} a second`,
      grid: true,
      tickFormat: ',d',
    },
    color: { domain: curves.map(({ name }) => name), range: COLORS },
    marks: [
      Plot.ruleX([0], { stroke: '#888', strokeDasharray: '4 3' }),
      Plot.lineY(moments, { x: 'seconds', y: 'records', stroke: 'name', strokeWidth: 1.8 }),
      Plot.text(peak, { ...AT_PEAK, x: 'seconds', y: 'records', text: 'name', fill: 'name' }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}

function highest<Moment extends LagMoment>(moments: readonly Moment[]): Moment[] {
  return moments.toSorted((a, b) => b.records - a.records).slice(0, 1);
}

/** The greatest lag of each step within what is shown. */
function peaks(points: readonly LagMoment[]): LagMoment[] {
  const shown = points.filter(
    ({ seconds }) => seconds >= -SHOWN_BEFORE_SECONDS && seconds <= SHOWN_AFTER_SECONDS,
  );
  const steps = Map.groupBy(shown, ({ seconds }) => Math.floor(seconds / STEP_SECONDS));
  return [...steps].map(([step, within]) => ({
    seconds: Number((step * STEP_SECONDS).toFixed(1)),
    records: Math.max(RECORDS_MIN, ...within.map(({ records }) => records)),
  }));
}
