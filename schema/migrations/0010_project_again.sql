-- Every document's words, counts and mentions are derived with the next sweeps. -1 and not 0: what was written before
-- is not told of as edits (persistence/projection.ts).
UPDATE yjs_documents SET projected_seq = -1 WHERE part = 'content' AND head_seq > 0;
