export {
  readStatement,
  type ReadStatement,
  renderStatement,
  STATEMENT_SCHEMA,
  type Statement,
  type StatementFigures,
  UnreadableStatement,
} from './document.ts';
export { correctStatement, issueStatement, type StatementRequest } from './issue.ts';
export { RollupsDisagree } from './rollup-agreement.ts';
export { verifyStatement } from './verify.ts';
