import {
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  type Dashboard,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE, panelOf, type PanelSpec } from './panel.ts';

export interface Board {
  /** Names its file, and with `adtally-` before it its address in Grafana. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Panels by the heading they stand under. */
  readonly rows: Readonly<Record<string, readonly PanelSpec[]>>;
}

const TAG = 'adtally';

/** The dashboard as Grafana wants it. */
export function dashboardOf(board: Board): Dashboard {
  const builder = new DashboardBuilder(board.title)
    .uid(`adtally-${board.name}`)
    .description(board.description)
    .tags([TAG])
    .timezone('utc')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('10s')
    .readonly()
    .withVariable(
      new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'),
    )
    .withVariable(deployments())
    .withVariable(
      new TextBoxVariableBuilder('runbooks')
        .label('Runbooks')
        .description('Where docs/runbooks can be read.')
        .defaultValue(RUNBOOKS),
    )
    .link(
      new DashboardLinkBuilder('Adtally')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(false)
        .includeVars(true)
        .keepTime(true),
    );
  for (const [heading, panels] of Object.entries(board.rows)) {
    builder.withRow(new RowBuilder(heading));
    for (const panel of panels) builder.withPanel(panelOf(panel));
  }
  return builder.build();
}

const RUNBOOKS = 'https://example.org/adtally/docs/runbooks';

/** Label `deployment` tells databases apart where one Prometheus watches several; elsewhere nobody need set it. */
function deployments(): QueryVariableBuilder {
  return new QueryVariableBuilder('deployment')
    .label('Deployment')
    .datasource(DATASOURCE)
    .query('label_values(adtally_build_info, deployment)')
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .includeAll(true)
    .allValue('.*');
}
