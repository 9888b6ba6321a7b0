export { BOARDS, dashboardOf, type Board, type PanelSpec } from './dashboards/index.ts';
