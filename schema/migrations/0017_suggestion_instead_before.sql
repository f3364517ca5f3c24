-- A hunk in conflict was only ever accepted with other words. They were not kept before; that they were given is.
UPDATE "suggestion_hunks" SET "instead" = '' WHERE "decision" = 'accepted' AND "decided_state" = 'conflict';
