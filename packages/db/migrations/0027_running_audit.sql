-- days: what was counted since yesterday began, its rows in events too, by the leader every few minutes.
ALTER TABLE audit_results DROP CONSTRAINT audit_results_scope_check;
ALTER TABLE audit_results ADD CONSTRAINT audit_results_scope_check CHECK (scope IN ('full', 'days', 'recent'));

INSERT INTO schema_versions VALUES (27, 8);
