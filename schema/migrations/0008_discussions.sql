CREATE TABLE "comments" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"project_id" uuid NOT NULL,
	"parent_type" text NOT NULL,
	"parent_id" uuid NOT NULL,
	"thread_id" uuid,
	"content" jsonb NOT NULL,
	"anchor_data" jsonb,
	"detached" boolean DEFAULT false NOT NULL,
	"reactions" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"is_agent" boolean DEFAULT false NOT NULL,
	"agent_type" text,
	"agent_id" uuid,
	"resolved" boolean DEFAULT false NOT NULL,
	"resolved_by" uuid,
	"resolved_by_agent_id" uuid,
	"resolved_at" timestamp with time zone,
	"created_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"edited_at" timestamp with time zone,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "comments_parent_type_check" CHECK ("comments"."parent_type" in ('document', 'work_order', 'feedback_item'))
);
--> statement-breakpoint
CREATE TABLE "mentions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"project_id" uuid NOT NULL,
	"source_type" text NOT NULL,
	"source_id" uuid NOT NULL,
	"target_type" text NOT NULL,
	"target_id" uuid NOT NULL,
	"occurrence" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mentions_source_target_occurrence_key" UNIQUE("source_type","source_id","target_type","target_id","occurrence"),
	CONSTRAINT "mentions_source_type_check" CHECK ("mentions"."source_type" in ('document', 'comment')),
	CONSTRAINT "mentions_target_type_check" CHECK ("mentions"."target_type" in ('user', 'agent', 'document', 'feature')),
	CONSTRAINT "mentions_occurrence_check" CHECK ("mentions"."occurrence" > 0)
);
--> statement-breakpoint
CREATE TABLE "inboxes" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid,
	"agent_id" uuid,
	"head_position" bigint DEFAULT 0 NOT NULL,
	"settings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "inboxes_user_id_key" UNIQUE("user_id"),
	CONSTRAINT "inboxes_agent_id_key" UNIQUE("agent_id"),
	CONSTRAINT "inboxes_owner_check" CHECK (num_nonnulls("inboxes"."user_id", "inboxes"."agent_id") = 1)
);
--> statement-breakpoint
CREATE TABLE "notifications" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"inbox_id" uuid NOT NULL,
	"position" bigint NOT NULL,
	"user_id" uuid,
	"project_id" uuid,
	"type" text NOT NULL,
	"priority" text DEFAULT 'normal' NOT NULL,
	"title" text NOT NULL,
	"body" text,
	"entity_type" text,
	"entity_id" uuid,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"once_key" text NOT NULL,
	"read_at" timestamp with time zone,
	"expires_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "notifications_inbox_position_key" UNIQUE("inbox_id","position"),
	CONSTRAINT "notifications_type_check" CHECK ("notifications"."type" in ('mention', 'comment_reply', 'thread_resolved', 'suggestion')),
	CONSTRAINT "notifications_priority_check" CHECK ("notifications"."priority" in ('low', 'normal', 'high'))
);
--> statement-breakpoint
CREATE TABLE "document_words" (
	"document_id" uuid NOT NULL,
	"piece" integer NOT NULL,
	"words" text NOT NULL,
	"search" "tsvector" GENERATED ALWAYS AS (to_tsvector('english', words)) STORED NOT NULL,
	CONSTRAINT "document_words_document_id_piece_pk" PRIMARY KEY("document_id","piece")
);
--> statement-breakpoint
CREATE TABLE "edit_bursts" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"document_id" uuid NOT NULL,
	"user_id" uuid,
	"agent_id" uuid,
	"first_seq" bigint NOT NULL,
	"last_seq" bigint NOT NULL,
	"began_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone NOT NULL,
	"added" integer DEFAULT 0 NOT NULL,
	"removed" integer DEFAULT 0 NOT NULL,
	"sections" text[] DEFAULT '{}'::text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "edit_bursts_author_key" UNIQUE NULLS NOT DISTINCT("document_id","user_id","agent_id")
);
--> statement-breakpoint
ALTER TABLE "activities" DROP CONSTRAINT "activities_entity_type_check";--> statement-breakpoint
ALTER TABLE "activities" DROP CONSTRAINT "activities_action_check";--> statement-breakpoint
ALTER TABLE "documents" ADD COLUMN "word_count" integer;--> statement-breakpoint
ALTER TABLE "documents" ADD COLUMN "character_count" integer;--> statement-breakpoint
ALTER TABLE "comments" ADD CONSTRAINT "comments_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "comments" ADD CONSTRAINT "comments_thread_id_comments_id_fk" FOREIGN KEY ("thread_id") REFERENCES "public"."comments"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "comments" ADD CONSTRAINT "comments_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "comments" ADD CONSTRAINT "comments_resolved_by_users_id_fk" FOREIGN KEY ("resolved_by") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "comments" ADD CONSTRAINT "comments_resolved_by_agent_id_agents_id_fk" FOREIGN KEY ("resolved_by_agent_id") REFERENCES "public"."agents"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "comments" ADD CONSTRAINT "comments_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mentions" ADD CONSTRAINT "mentions_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inboxes" ADD CONSTRAINT "inboxes_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inboxes" ADD CONSTRAINT "inboxes_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_inbox_id_inboxes_id_fk" FOREIGN KEY ("inbox_id") REFERENCES "public"."inboxes"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_words" ADD CONSTRAINT "document_words_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "edit_bursts" ADD CONSTRAINT "edit_bursts_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "idx_comments_parent" ON "comments" USING btree ("parent_type","parent_id") WHERE "comments"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "idx_comments_thread" ON "comments" USING btree ("thread_id");--> statement-breakpoint
CREATE INDEX "idx_comments_project" ON "comments" USING btree ("project_id");--> statement-breakpoint
CREATE INDEX "idx_comments_created_by" ON "comments" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "idx_comments_resolved_by" ON "comments" USING btree ("resolved_by");--> statement-breakpoint
CREATE INDEX "idx_comments_agent" ON "comments" USING btree ("agent_id");--> statement-breakpoint
CREATE INDEX "idx_comments_resolved_by_agent" ON "comments" USING btree ("resolved_by_agent_id");--> statement-breakpoint
CREATE INDEX "idx_mentions_source" ON "mentions" USING btree ("source_type","source_id");--> statement-breakpoint
CREATE INDEX "idx_mentions_target" ON "mentions" USING btree ("target_type","target_id");--> statement-breakpoint
CREATE INDEX "idx_mentions_project" ON "mentions" USING btree ("project_id");--> statement-breakpoint
CREATE UNIQUE INDEX "notifications_once_key" ON "notifications" USING btree ("inbox_id","once_key");--> statement-breakpoint
CREATE INDEX "idx_notifications_unread" ON "notifications" USING btree ("inbox_id","position") WHERE "notifications"."read_at" is null;--> statement-breakpoint
CREATE INDEX "idx_notifications_user" ON "notifications" USING btree ("user_id","read_at") WHERE "notifications"."read_at" is null;--> statement-breakpoint
CREATE INDEX "idx_notifications_project" ON "notifications" USING btree ("project_id");--> statement-breakpoint
CREATE INDEX "idx_document_words_search" ON "document_words" USING gin ("search");--> statement-breakpoint
CREATE INDEX "idx_edit_bursts_ended" ON "edit_bursts" USING btree ("ended_at");--> statement-breakpoint
CREATE INDEX "idx_activities_project_position" ON "activities" USING btree ("project_id","position");--> statement-breakpoint
CREATE INDEX "idx_activities_entity_position" ON "activities" USING btree ("entity_id","position");--> statement-breakpoint
CREATE INDEX "idx_documents_title_search" ON "documents" USING gin (to_tsvector('english', "title"));--> statement-breakpoint
ALTER TABLE "activities" ADD CONSTRAINT "activities_entity_type_check" CHECK ("activities"."entity_type" in ('user', 'key', 'member', 'collaborator', 'agent', 'document'));--> statement-breakpoint
ALTER TABLE "activities" ADD CONSTRAINT "activities_action_check" CHECK ("activities"."action" in ('created', 'rotated', 'revoked', 'role_changed', 'status_changed', 'signed_in', 'signed_out', 'session_ended', 'link_created', 'link_ended', 'sign_in_failed', 'renamed', 'moved', 'deleted', 'restored', 'edited', 'version_created', 'comment_added', 'resolved', 'reopened'));