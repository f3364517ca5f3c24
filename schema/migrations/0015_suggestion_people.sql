CREATE INDEX "idx_suggestions_created_by" ON "agent_suggestions" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "idx_suggestions_prompted_by" ON "agent_suggestions" USING btree ("prompted_by");--> statement-breakpoint
CREATE INDEX "idx_suggestion_hunks_decided_by" ON "suggestion_hunks" USING btree ("decided_by");