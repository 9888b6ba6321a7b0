export { acknowledgeIncident } from './acknowledge-incident.ts';
export {
  alertDefinition,
  type AlertDefinition,
  type AlertName,
  ALERTS,
  SEVERITIES,
  type Severity,
} from './alerts.ts';
export {
  type ArrivedLetter,
  type ArrivalInOrder,
  insertArrivals,
  takeArrivals,
  pruneArrivals,
} from './arrivals.ts';
export {
  type Incident,
  insertIncident,
  updateIncident,
  openIncident,
  openIncidents,
  breachesBetween,
  incidentsToTell,
  nextRevision,
  listIncidents,
} from './incidents.ts';
export { takeAlerterLease, alerterLeaseHolder, renewAlerterLease, serverNowMs } from './lease.ts';
export {
  insertNotifications,
  type ClaimedNotification,
  claimNotification,
  settleNotification,
  outboxBacklog,
  openInSink,
  pruneNotifications,
} from './outbox.ts';
export {
  type DeadTopicPosition,
  deadTopicPositions,
  placeDeadTopicPosition,
  type DeadTopicAdvance,
  advanceDeadTopic,
} from './positions.ts';
export { type ShownIncident, showIncident } from './show-incident.ts';
