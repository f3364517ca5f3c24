-- Bytes that are compressed already (snapshots, history) must not be compressed again. For the log, pglz would cost
-- more than it saves until compaction packs the rows. Below about 2 kB a row stays in its page in any case.
ALTER TABLE yjs_documents ALTER COLUMN state SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE yjs_updates ALTER COLUMN update_data SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE yjs_history ALTER COLUMN updates SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE document_versions ALTER COLUMN state SET STORAGE EXTERNAL;--> statement-breakpoint
-- Every append updates a row here and copies what is stored in it. So: snapshots out of the row, half of each page
-- kept free for the next version of a row (a HOT update touches no index), and vacuum early, since it is a small table.
ALTER TABLE yjs_documents SET (
	toast_tuple_target = 128,
	fillfactor = 50,
	autovacuum_vacuum_scale_factor = 0.05,
	autovacuum_vacuum_threshold = 500,
	autovacuum_vacuum_cost_delay = 0,
	autovacuum_analyze_scale_factor = 0.5,
	autovacuum_analyze_threshold = 5000
);--> statement-breakpoint
-- Rows come in, and leave by the thousand when compaction has moved them to the history.
ALTER TABLE yjs_updates SET (
	autovacuum_vacuum_scale_factor = 0.05,
	autovacuum_vacuum_insert_scale_factor = 0.2
);
