CREATE TABLE "api_keys" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"project_id" uuid,
	"user_id" uuid NOT NULL,
	"agent_id" uuid,
	"name" text NOT NULL,
	"key_prefix" text NOT NULL,
	"key_hash" text NOT NULL,
	"scopes" text[] DEFAULT '{}'::text[] NOT NULL,
	"role" text DEFAULT 'editor' NOT NULL,
	"last_used_at" timestamp with time zone,
	"expires_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_keys_role_check" CHECK ("api_keys"."role" in ('viewer', 'reviewer', 'editor', 'owner'))
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"token_hash" "bytea" NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"ip_address" text,
	"user_agent" text,
	"revoked_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sessions_token_hash_key" UNIQUE("token_hash"),
	CONSTRAINT "sessions_token_hash_check" CHECK (octet_length("sessions"."token_hash") = 32)
);
--> statement-breakpoint
CREATE TABLE "agents" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"project_id" uuid,
	"agent_level" text NOT NULL,
	"agent_code" text NOT NULL,
	"name" text NOT NULL,
	"role_title" text NOT NULL,
	"status" text DEFAULT 'active' NOT NULL,
	"trust_score" numeric(5, 2) DEFAULT 50 NOT NULL,
	"public_key" text,
	"capabilities" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"settings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "idx_agents_organization_code" UNIQUE("organization_id","agent_code"),
	CONSTRAINT "idx_agents_organization_project_name" UNIQUE NULLS NOT DISTINCT("organization_id","project_id","name"),
	CONSTRAINT "agents_agent_level_check" CHECK ("agents"."agent_level" in ('organization', 'project')),
	CONSTRAINT "agents_status_check" CHECK ("agents"."status" in ('active', 'probation', 'inactive', 'terminated')),
	CONSTRAINT "agents_level_check" CHECK (("agents"."agent_level" = 'project') = ("agents"."project_id" is not null)),
	CONSTRAINT "agents_trust_score_check" CHECK ("agents"."trust_score" between 0 and 100),
	CONSTRAINT "agents_agent_code_check" CHECK ("agents"."agent_code" ~ '^[a-z0-9-]{1,100}$')
);
--> statement-breakpoint
CREATE TABLE "document_versions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"document_id" uuid NOT NULL,
	"version_number" integer NOT NULL,
	"seq" bigint NOT NULL,
	"kind" text DEFAULT 'automatic' NOT NULL,
	"name" text,
	"content" jsonb NOT NULL,
	"diagram_source" text,
	"state" "bytea",
	"encoding" text,
	"change_summary" text,
	"created_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "document_versions_document_id_version_number_key" UNIQUE("document_id","version_number"),
	CONSTRAINT "document_versions_kind_check" CHECK ("document_versions"."kind" in ('named', 'automatic', 'before_restore')),
	CONSTRAINT "document_versions_encoding_check" CHECK ("document_versions"."encoding" in ('v1', 'v2', 'v2+zstd')),
	CONSTRAINT "document_versions_state_check" CHECK (("document_versions"."state" is null) = ("document_versions"."encoding" is null))
);
--> statement-breakpoint
CREATE TABLE "documents" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"project_id" uuid NOT NULL,
	"feature_id" uuid,
	"type" text NOT NULL,
	"title" text NOT NULL,
	"slug" text NOT NULL,
	"content" jsonb,
	"content_text" text,
	"diagram_source" text,
	"template_id" uuid,
	"sort_order" integer DEFAULT 0 NOT NULL,
	"created_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "documents_project_id_type_slug_key" UNIQUE("project_id","type","slug"),
	CONSTRAINT "documents_type_check" CHECK ("documents"."type" in ('product_overview', 'feature_requirements', 'technical_requirements', 'foundation_blueprint', 'system_diagram', 'feature_blueprint'))
);
--> statement-breakpoint
CREATE TABLE "organization_members" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"role" text DEFAULT 'member' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "organization_members_organization_id_user_id_key" UNIQUE("organization_id","user_id"),
	CONSTRAINT "organization_members_role_check" CHECK ("organization_members"."role" in ('member', 'admin'))
);
--> statement-breakpoint
CREATE TABLE "organizations" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text NOT NULL,
	"slug" text NOT NULL,
	"logo_url" text,
	"settings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "organizations_slug_key" UNIQUE("slug")
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"email" text NOT NULL,
	"name" text NOT NULL,
	"avatar_url" text,
	"email_verified" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "users_email_key" UNIQUE("email")
);
--> statement-breakpoint
CREATE TABLE "collaborators" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"project_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"invited_by_user_id" uuid,
	"role" text DEFAULT 'viewer' NOT NULL,
	"permissions" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"last_accessed_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"removed_at" timestamp with time zone,
	CONSTRAINT "collaborators_project_id_user_id_key" UNIQUE("project_id","user_id"),
	CONSTRAINT "collaborators_role_check" CHECK ("collaborators"."role" in ('viewer', 'reviewer', 'editor', 'owner'))
);
--> statement-breakpoint
CREATE TABLE "features" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"project_id" uuid NOT NULL,
	"parent_id" uuid,
	"name" text NOT NULL,
	"slug" text NOT NULL,
	"sort_order" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "features_project_id_slug_key" UNIQUE("project_id","slug")
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"name" text NOT NULL,
	"slug" text NOT NULL,
	"description" text,
	"settings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"archived_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "projects_organization_id_slug_key" UNIQUE("organization_id","slug")
);
--> statement-breakpoint
CREATE TABLE "yjs_clients" (
	"document_id" uuid NOT NULL,
	"part" text DEFAULT 'content' NOT NULL,
	"client_id" bigint NOT NULL,
	"user_id" uuid,
	"agent_id" uuid,
	"first_seq" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "yjs_clients_document_id_part_client_id_pk" PRIMARY KEY("document_id","part","client_id")
);
--> statement-breakpoint
CREATE TABLE "yjs_documents" (
	"document_id" uuid NOT NULL,
	"part" text DEFAULT 'content' NOT NULL,
	"state" "bytea" DEFAULT ''::bytea NOT NULL,
	"state_vector" "bytea",
	"encoding" text DEFAULT 'v2+zstd' NOT NULL,
	"head_seq" bigint DEFAULT 0 NOT NULL,
	"state_seq" bigint DEFAULT 0 NOT NULL,
	"projected_seq" bigint DEFAULT 0 NOT NULL,
	"quarantined_seq" bigint,
	"quarantine_reason" text,
	"compacted_at" timestamp with time zone,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "yjs_documents_document_id_part_pk" PRIMARY KEY("document_id","part"),
	CONSTRAINT "yjs_documents_part_check" CHECK ("yjs_documents"."part" in ('content', 'comments')),
	CONSTRAINT "yjs_documents_encoding_check" CHECK ("yjs_documents"."encoding" in ('v1', 'v2', 'v2+zstd')),
	CONSTRAINT "yjs_documents_seq_check" CHECK ("yjs_documents"."state_seq" <= "yjs_documents"."head_seq" and "yjs_documents"."projected_seq" <= "yjs_documents"."head_seq")
);
--> statement-breakpoint
CREATE TABLE "yjs_history" (
	"document_id" uuid NOT NULL,
	"part" text DEFAULT 'content' NOT NULL,
	"first_seq" bigint NOT NULL,
	"last_seq" bigint NOT NULL,
	"updates" "bytea" NOT NULL,
	"encoding" text DEFAULT 'columns+zstd' NOT NULL,
	"update_count" integer NOT NULL,
	"raw_bytes" integer NOT NULL,
	"created_from" timestamp with time zone NOT NULL,
	"created_to" timestamp with time zone NOT NULL,
	"archived_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "yjs_history_document_id_part_first_seq_pk" PRIMARY KEY("document_id","part","first_seq"),
	CONSTRAINT "yjs_history_encoding_check" CHECK ("yjs_history"."encoding" in ('columns+zstd')),
	CONSTRAINT "yjs_history_seq_check" CHECK ("yjs_history"."first_seq" > 0 and "yjs_history"."last_seq" >= "yjs_history"."first_seq")
);
--> statement-breakpoint
CREATE TABLE "yjs_updates" (
	"document_id" uuid NOT NULL,
	"part" text DEFAULT 'content' NOT NULL,
	"seq" bigint NOT NULL,
	"update_data" "bytea" NOT NULL,
	"batch_id" uuid NOT NULL,
	"user_id" uuid,
	"agent_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "yjs_updates_document_id_part_seq_pk" PRIMARY KEY("document_id","part","seq"),
	CONSTRAINT "yjs_updates_seq_check" CHECK ("yjs_updates"."seq" > 0)
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agents" ADD CONSTRAINT "agents_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agents" ADD CONSTRAINT "agents_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_versions" ADD CONSTRAINT "document_versions_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document_versions" ADD CONSTRAINT "document_versions_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "documents" ADD CONSTRAINT "documents_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "documents" ADD CONSTRAINT "documents_feature_id_features_id_fk" FOREIGN KEY ("feature_id") REFERENCES "public"."features"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "documents" ADD CONSTRAINT "documents_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "organization_members" ADD CONSTRAINT "organization_members_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "organization_members" ADD CONSTRAINT "organization_members_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "collaborators" ADD CONSTRAINT "collaborators_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "collaborators" ADD CONSTRAINT "collaborators_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "collaborators" ADD CONSTRAINT "collaborators_invited_by_user_id_users_id_fk" FOREIGN KEY ("invited_by_user_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "features" ADD CONSTRAINT "features_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "features" ADD CONSTRAINT "features_parent_id_features_id_fk" FOREIGN KEY ("parent_id") REFERENCES "public"."features"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "yjs_clients" ADD CONSTRAINT "yjs_clients_document_fkey" FOREIGN KEY ("document_id","part") REFERENCES "public"."yjs_documents"("document_id","part") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "yjs_documents" ADD CONSTRAINT "yjs_documents_document_id_documents_id_fk" FOREIGN KEY ("document_id") REFERENCES "public"."documents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "yjs_history" ADD CONSTRAINT "yjs_history_document_fkey" FOREIGN KEY ("document_id","part") REFERENCES "public"."yjs_documents"("document_id","part") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "yjs_updates" ADD CONSTRAINT "yjs_updates_document_fkey" FOREIGN KEY ("document_id","part") REFERENCES "public"."yjs_documents"("document_id","part") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "idx_api_keys_prefix" ON "api_keys" USING btree ("key_prefix") WHERE "api_keys"."revoked_at" is null;--> statement-breakpoint
CREATE INDEX "idx_api_keys_org" ON "api_keys" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "idx_api_keys_project" ON "api_keys" USING btree ("project_id");--> statement-breakpoint
CREATE INDEX "idx_api_keys_user" ON "api_keys" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "idx_api_keys_agent" ON "api_keys" USING btree ("agent_id");--> statement-breakpoint
CREATE INDEX "idx_sessions_token" ON "sessions" USING btree ("token_hash");--> statement-breakpoint
CREATE INDEX "idx_sessions_user" ON "sessions" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "idx_sessions_expires" ON "sessions" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "idx_agents_organization_id" ON "agents" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "idx_agents_project_id" ON "agents" USING btree ("project_id");--> statement-breakpoint
CREATE INDEX "idx_agents_agent_level" ON "agents" USING btree ("agent_level");--> statement-breakpoint
CREATE INDEX "idx_agents_agent_code" ON "agents" USING btree ("agent_code");--> statement-breakpoint
CREATE INDEX "idx_agents_status" ON "agents" USING btree ("status");--> statement-breakpoint
CREATE INDEX "idx_agents_trust_score" ON "agents" USING btree ("trust_score");--> statement-breakpoint
CREATE INDEX "idx_agents_deleted_at" ON "agents" USING btree ("deleted_at");--> statement-breakpoint
CREATE INDEX "idx_doc_versions_document" ON "document_versions" USING btree ("document_id","version_number" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "idx_doc_versions_created_by" ON "document_versions" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "idx_documents_project_type" ON "documents" USING btree ("project_id","type") WHERE "documents"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "idx_documents_feature" ON "documents" USING btree ("feature_id");--> statement-breakpoint
CREATE INDEX "idx_documents_created_by" ON "documents" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "idx_org_members_org" ON "organization_members" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "idx_org_members_user" ON "organization_members" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "idx_organizations_slug" ON "organizations" USING btree ("slug") WHERE "organizations"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "idx_users_email" ON "users" USING btree ("email");--> statement-breakpoint
CREATE INDEX "idx_collaborators_project_id" ON "collaborators" USING btree ("project_id");--> statement-breakpoint
CREATE INDEX "idx_collaborators_user_id" ON "collaborators" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "idx_collaborators_invited_by_user_id" ON "collaborators" USING btree ("invited_by_user_id");--> statement-breakpoint
CREATE INDEX "idx_collaborators_role" ON "collaborators" USING btree ("role");--> statement-breakpoint
CREATE INDEX "idx_features_project" ON "features" USING btree ("project_id") WHERE "features"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "idx_features_parent" ON "features" USING btree ("parent_id");--> statement-breakpoint
CREATE INDEX "idx_projects_org" ON "projects" USING btree ("organization_id") WHERE "projects"."archived_at" is null;--> statement-breakpoint
CREATE INDEX "idx_yjs_history_archived_at" ON "yjs_history" USING btree ("archived_at");