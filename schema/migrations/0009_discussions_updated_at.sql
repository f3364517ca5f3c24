-- As in 0001.
CREATE TRIGGER set_updated_at BEFORE UPDATE ON comments FOR EACH ROW EXECUTE FUNCTION set_updated_at();--> statement-breakpoint
CREATE TRIGGER set_updated_at BEFORE UPDATE ON inboxes FOR EACH ROW EXECUTE FUNCTION set_updated_at();
