CREATE TABLE "agent_suggestions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"project_id" uuid NOT NULL,
	"document_id" uuid NOT NULL,
	"agent_type" text NOT NULL,
	"agent_id" uuid,
	"created_by" uuid,
	"prompted_by" uuid,
	"base_seq" bigint NOT NULL,
	"diffs" jsonb NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"accepted_diffs" uuid[] DEFAULT '{}' NOT NULL,
	"rejected_diffs" uuid[] DEFAULT '{}' NOT NULL,
	"context_summary" text,
	"conversation_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agent_suggestions_status_check" CHECK ("agent_suggestions"."status" in ('pending', 'accepted', 'rejected', 'partially_accepted'))
);
--> statement-breakpoint
CREATE TABLE "suggestion_hunks" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"suggestion_id" uuid NOT NULL,
	"document_id" uuid NOT NULL,
	"diff_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"update_data" "bytea" NOT NULL,
	"parts" jsonb NOT NULL,
	"block" jsonb,
	"block_id" text,
	"decision" text DEFAULT 'pending' NOT NULL,
	"decided_state" text,
	"reason" text,
	"decided_by" uuid,
	"decided_at" timestamp with time zone,
	"accepted_seq" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "suggestion_hunks_ordinal_key" UNIQUE("suggestion_id","ordinal"),
	CONSTRAINT "suggestion_hunks_decision_check" CHECK ("suggestion_hunks"."decision" in ('pending', 'accepted', 'rejected', 'taken_back')),
	CONSTRAINT "suggestion_hunks_decided_check" CHECK (("suggestion_hunks"."decision" = 'pending') = ("suggestion_hunks"."decided_at" is null))
);
--> statement-breakpoint
ALTER TABLE "activities" DROP CONSTRAINT "activities_action_check";--> statement-breakpoint
ALTER TABLE "agent_suggestions" ADD CONSTRAINT "agent_suggestions_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_suggestions" ADD CONSTRAINT "agent_suggestions_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_suggestions" ADD CONSTRAINT "agent_suggestions_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_suggestions" ADD CONSTRAINT "agent_suggestions_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_suggestions" ADD CONSTRAINT "agent_suggestions_prompted_by_users_id_fk" FOREIGN KEY ("prompted_by") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "suggestion_hunks" ADD CONSTRAINT "suggestion_hunks_suggestion_id_agent_suggestions_id_fk" FOREIGN KEY ("suggestion_id") REFERENCES "public"."agent_suggestions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "suggestion_hunks" ADD CONSTRAINT "suggestion_hunks_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "suggestion_hunks" ADD CONSTRAINT "suggestion_hunks_decided_by_users_id_fk" FOREIGN KEY ("decided_by") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "idx_suggestions_document" ON "agent_suggestions" USING btree ("document_id","created_at");--> statement-breakpoint
CREATE INDEX "idx_suggestions_status" ON "agent_suggestions" USING btree ("project_id","status");--> statement-breakpoint
CREATE INDEX "idx_suggestions_agent" ON "agent_suggestions" USING btree ("agent_id");--> statement-breakpoint
CREATE INDEX "idx_suggestion_hunks_pending" ON "suggestion_hunks" USING btree ("document_id") WHERE "suggestion_hunks"."decision" = 'pending';--> statement-breakpoint
CREATE INDEX "idx_suggestion_hunks_document" ON "suggestion_hunks" USING btree ("document_id");--> statement-breakpoint
ALTER TABLE "activities" ADD CONSTRAINT "activities_action_check" CHECK ("activities"."action" in ('created', 'rotated', 'revoked', 'role_changed', 'status_changed', 'signed_in', 'signed_out', 'session_ended', 'link_created', 'link_ended', 'sign_in_failed', 'renamed', 'moved', 'deleted', 'restored', 'edited', 'version_created', 'comment_added', 'resolved', 'reopened', 'suggested', 'suggestion_accepted', 'suggestion_rejected', 'suggestion_taken_back'));--> statement-breakpoint
-- As in 0001.
CREATE TRIGGER set_updated_at BEFORE UPDATE ON agent_suggestions FOR EACH ROW EXECUTE FUNCTION set_updated_at();
