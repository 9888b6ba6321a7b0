import {
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  ReduceDataOptionsBuilder,
  VizLegendOptionsBuilder,
  type DataSourceRef,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as SeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** Grafana's names of units. */
export type Unit =
  | 'short'
  | 'none'
  | 's'
  | 'bytes'
  | 'percentunit'
  | 'ops'
  | 'dateTimeFromNow'
  | 'cps';

export interface PanelSpec {
  /** A figure of now or of the whole range; or lines over time. */
  readonly kind: 'figure' | 'lines';
  readonly title: string;
  /** What it says, and what is good. */
  readonly description: string;
  readonly unit: Unit;
  /** PromQL by legend, in which labels may stand: `{{topic}}`. */
  readonly queries: Readonly<Record<string, string>>;
  /** A file of docs/runbooks: what to do where it is bad. */
  readonly runbook?: string;
  /** Nothing is the good answer: it has data only when this happens. */
  readonly onlyWhen?: string;
}

export const DATASOURCE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

const COLUMNS = { figure: 4, lines: 8 } as const;
const ROWS = { figure: 4, lines: 7 } as const;

/** The panel as Grafana wants it. */
export function panelOf(spec: PanelSpec): Builder<Panel> {
  const builder =
    spec.kind === 'figure'
      ? new StatBuilder()
          .graphMode(BigValueGraphMode.None)
          .colorMode(BigValueColorMode.None)
          .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
      : new SeriesBuilder().legend(legend()).min(0);
  const { title, description, unit, queries, runbook, onlyWhen } = spec;
  builder
    .title(title)
    .description(onlyWhen === undefined ? description : `${description} Empty unless ${onlyWhen}.`)
    .unit(unit)
    .datasource(DATASOURCE)
    .span(COLUMNS[spec.kind])
    .height(ROWS[spec.kind]);
  if (onlyWhen !== undefined) builder.noValue('none');
  if (runbook !== undefined) builder.links([runbookLink(runbook)]);
  for (const [index, [legendFormat, expression]] of Object.entries(queries).entries()) {
    const query = new DataqueryBuilder()
      .refId(String.fromCodePoint('A'.codePointAt(0)! + index))
      .expr(inDeployment(expression))
      .legendFormat(legendFormat);
    builder.withTarget(spec.kind === 'figure' ? query.instant() : query.range());
  }
  return builder;
}

function legend(): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder().displayMode(LegendDisplayMode.List).showLegend(true);
}

function runbookLink(name: string): DashboardLinkBuilder {
  return new DashboardLinkBuilder(name)
    .type(DashboardLinkType.Link)
    .url(`\${runbooks}/${name}.md`)
    .targetBlank(true);
}

const METRIC = /\b((?:adtally|process)_\w+|target_info)(\{)?/g;

/** Every series of the deployment that is looked at, and of no other. */
function inDeployment(expression: string): string {
  return expression.replaceAll(METRIC, (_, name: string, brace?: string) =>
    brace === undefined
      ? `${name}{deployment=~"$deployment"}`
      : `${name}{deployment=~"$deployment",`,
  );
}
