CREATE TABLE "activities" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"position" bigint GENERATED ALWAYS AS IDENTITY (sequence name "activities_position_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"organization_id" uuid,
	"project_id" uuid,
	"entity_type" text NOT NULL,
	"entity_id" uuid,
	"action" text NOT NULL,
	"changes" jsonb,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"actor_id" uuid,
	"actor_type" text DEFAULT 'user' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "activities_position_key" UNIQUE("position"),
	CONSTRAINT "activities_entity_type_check" CHECK ("activities"."entity_type" in ('user', 'key', 'member', 'collaborator', 'agent')),
	CONSTRAINT "activities_action_check" CHECK ("activities"."action" in ('created', 'rotated', 'revoked', 'role_changed', 'status_changed', 'signed_in', 'signed_out', 'session_ended', 'link_created', 'link_ended', 'sign_in_failed')),
	CONSTRAINT "activities_actor_type_check" CHECK ("activities"."actor_type" in ('user', 'agent', 'system'))
);
--> statement-breakpoint
CREATE INDEX "idx_activities_project" ON "activities" USING btree ("project_id","created_at" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "idx_activities_entity" ON "activities" USING btree ("entity_type","entity_id","created_at" DESC NULLS LAST);