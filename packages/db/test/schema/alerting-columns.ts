import type { ColumnsOf } from './columns-of.ts';

export const ALERTING_COLUMNS = {
  audit_results: {
    scope: 1,
    check_id: 1,
    holds: 1,
    offence: 1,
    checked_by: 1,
    checked_at: 1,
  },
  notification_requests: {
    request_id: 1,
    alert: 1,
    alert_key: 1,
    status: 1,
    summary: 1,
    detail: 1,
    requested_by: 1,
    requested_at: 1,
    taken_at: 1,
  },
  alerter_lease: {
    only_row: 1,
    epoch: 1,
    owner: 1,
    topic: 1,
    backend_pid: 1,
    backend_start: 1,
    renewed_at: 1,
  },
  dead_topic_positions: {
    topic: 1,
    topic_id: 1,
    partition: 1,
    next_offset: 1,
    last_append_at: 1,
  },
  dead_letter_arrivals: {
    topic: 1,
    letter: 1,
    appended_at: 1,
    partition: 1,
    dead_offset: 1,
    cause: 1,
    origin: 1,
    evaluated: 1,
    fingerprint: 1,
    claimed_source: 1,
  },
  incidents: {
    incident_id: 1,
    incident_uid: 1,
    alert: 1,
    alert_key: 1,
    status: 1,
    opened_at: 1,
    starts_at: 1,
    ends_at: 1,
    breached_at: 1,
    breached_until: 1,
    letters: 1,
    summary: 1,
    detail: 1,
    detected_late: 1,
    revision: 1,
    told_at: 1,
    has_news: 1,
    acknowledged_at: 1,
    acknowledged_by: 1,
  },
  notifications: {
    notification_id: 1,
    incident_id: 1,
    revision: 1,
    sink: 1,
    kind: 1,
    message: 1,
    state: 1,
    attempts: 1,
    refusals: 1,
    next_attempt_at: 1,
    claimed_epoch: 1,
    claimed_at: 1,
    settled_at: 1,
    last_error: 1,
    created_at: 1,
  },
} as const satisfies ColumnsOf<
  | 'audit_results'
  | 'notification_requests'
  | 'alerter_lease'
  | 'dead_topic_positions'
  | 'dead_letter_arrivals'
  | 'incidents'
  | 'notifications'
>;
