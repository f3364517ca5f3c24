DROP INDEX "idx_documents_title_search";--> statement-breakpoint
ALTER TABLE "document_words" drop column "search";--> statement-breakpoint
ALTER TABLE "document_words" ADD COLUMN "search" "tsvector" GENERATED ALWAYS AS (to_tsvector('english', translate(words, '<>/', '   '))) STORED NOT NULL;--> statement-breakpoint
CREATE INDEX "idx_documents_title_search" ON "documents" USING gin (to_tsvector('english', translate("title", '<>/', '   ')));--> statement-breakpoint
-- It went with its column, which drizzle-kit does not see.
CREATE INDEX "idx_document_words_search" ON "document_words" USING gin ("search");
