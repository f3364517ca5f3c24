-- Positions are drawn in one order and committed in another. Whoever is about to draw some says which was the last one
-- before: a shared advisory lock of that number, until his transaction ends. What a feed may be followed up to is the
-- least of those numbers (persistence/activity-feed.ts). 24931 is "ac".
CREATE FUNCTION hold_positions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	drawn bigint;
BEGIN
	-- One lock for a transaction: the first is the lowest.
	IF current_setting('scriptorium.holds_positions', true) IS DISTINCT FROM 'yes' THEN
		EXECUTE format('SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM %s',
			pg_get_serial_sequence(TG_RELID::regclass::text, 'position')) INTO drawn;
		PERFORM pg_advisory_xact_lock_shared((24931::bigint << 48) + drawn);
		PERFORM set_config('scriptorium.holds_positions', 'yes', true);
	END IF;
	RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER hold_positions BEFORE INSERT ON activities
	FOR EACH STATEMENT EXECUTE FUNCTION hold_positions();
