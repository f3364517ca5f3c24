CREATE TABLE "yjs_set_aside" (
	"document_id" uuid NOT NULL,
	"part" text DEFAULT 'content' NOT NULL,
	"seq" bigint NOT NULL,
	"kind" text NOT NULL,
	"original" "bytea",
	"encoding" text,
	"user_id" uuid,
	"agent_id" uuid,
	"created_at" timestamp with time zone,
	"reason" text NOT NULL,
	"set_aside_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "yjs_set_aside_document_id_part_seq_kind_set_aside_at_pk" PRIMARY KEY("document_id","part","seq","kind","set_aside_at"),
	CONSTRAINT "yjs_set_aside_kind_check" CHECK ("yjs_set_aside"."kind" in ('update', 'snapshot', 'missing', 'stray')),
	CONSTRAINT "yjs_set_aside_encoding_check" CHECK ("yjs_set_aside"."encoding" in ('v1', 'v2', 'v2+zstd'))
);
--> statement-breakpoint
ALTER TABLE "yjs_documents" ADD COLUMN "repairs" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "yjs_set_aside" ADD CONSTRAINT "yjs_set_aside_document_fkey" FOREIGN KEY ("document_id","part") REFERENCES "public"."yjs_documents"("document_id","part") ON DELETE cascade ON UPDATE no action;