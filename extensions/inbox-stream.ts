import { inboxSince, type InboxReader, type NotificationRow } from "../persistence/inbox.ts";
import type { Sql } from "../persistence/database.ts";
import { withTimeout } from "../persistence/with-timeout.ts";
import type { Principal } from "../schema/principal.ts";
import { inboxReaderOf } from "./inbox-reader.ts";

/** What somebody who listens hears. `position`: send it back to go on from there. */
export type InboxEvent =
  | { readonly type: "notification"; readonly position: number; readonly row: NotificationRow }
  | { readonly type: "unread"; readonly position: number; readonly unread: number }
  | { readonly type: "heartbeat" };

/** So often something is sent, ms: proxies hang up on who is silent. */
const HEARTBEAT_MS = 15_000;

/** A database that hangs is a database that is away, ms. */
const READ_TIMEOUT_MS = 10_000;

/** Notifications that are read from the database at once. */
const AT_ONCE = 100;

/**
 * What comes into one inbox, from a position on, as long as somebody takes it. Nothing is kept here: what is not taken
 * yet stays in the database, so a slow reader costs no memory.
 */
export class InboxStream {
  readonly #sql: Sql;
  #principal: Principal;
  /** Everything up to here was sent; null: begin with what is new from now on. */
  #position: number | null;
  #unread: number | null = null;
  /** Something may have come since the database was read. */
  #isStale = true;
  #hasEnded = false;
  #wake: (() => void) | null = null;
  #takenAtMs = performance.now();
  #isReaderHere = true;
  readonly #onEnd: () => void;

  constructor(
    sql: Sql,
    principal: Principal,
    { after, onEnd }: { after: number | null; onEnd: () => void },
  ) {
    this.#sql = sql;
    this.#principal = principal;
    this.#position = after;
    this.#onEnd = onEnd;
  }

  get principal(): Principal {
    return this.#principal;
  }

  /** Since when the reader has left something untaken, as `performance.now()`; null: he waits for more. */
  get untakenSinceMs(): number | null {
    return this.#isReaderHere ? null : this.#takenAtMs;
  }

  /** The next events, as soon as there are some; null: it is over. One call at a time. */
  async next(): Promise<readonly InboxEvent[] | null> {
    this.#isReaderHere = true;
    const events = await this.#nextEvents();
    this.#isReaderHere = false;
    this.#takenAtMs = performance.now();
    return events;
  }

  /** The inbox may have changed. */
  stirred(): void {
    this.#isStale = true;
    this.#wake?.();
  }

  /** What the principal may do is others' decision: from now on he counts as this. */
  standsAs(principal: Principal): void {
    this.#principal = principal;
  }

  /** Idempotent. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#wake?.();
    this.#onEnd();
  }

  async #nextEvents(): Promise<readonly InboxEvent[] | null> {
    while (!this.#hasEnded) {
      const events = this.#isStale ? await this.#read() : [];
      if (events.length > 0) return this.#hasEnded ? null : events;
      if (!this.#isStale && !(await this.#stirredInTime())) return [{ type: "heartbeat" }];
    }
    return null;
  }

  /** False: nothing has happened for the time of a heartbeat. */
  async #stirredInTime(): Promise<boolean> {
    if (this.#isStale || this.#hasEnded) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(resolve, false), HEARTBEAT_MS);
      this.#wake = () => {
        clearTimeout(timer);
        this.#settle(resolve, true);
      };
    });
  }

  #settle(resolve: (isStirred: boolean) => void, isStirred: boolean): void {
    this.#wake = null;
    resolve(isStirred);
  }

  async #read(): Promise<InboxEvent[]> {
    this.#isStale = false;
    try {
      return await this.#readSince(inboxReaderOf(this.#principal));
    } catch {
      // The database is away: it is asked again when the inbox is looked at next, and nothing was passed over.
      await this.#stirredInTime();
      this.#isStale = true;
      return [];
    }
  }

  async #readSince(reader: InboxReader): Promise<InboxEvent[]> {
    const from = this.#position ?? Number.MAX_SAFE_INTEGER;
    const asked = inboxSince(this.#sql, reader, { after: from, limit: AT_ONCE });
    const news = await withTimeout(asked, READ_TIMEOUT_MS);
    const last = news.rows.at(-1);
    const isMore = news.rows.length === AT_ONCE;
    if (isMore) this.#isStale = true;
    // A position that was never given out, as after a restore of the database, must not hide what comes.
    this.#position = isMore && last !== undefined ? last.position : news.position;
    const events: InboxEvent[] = news.rows.map((row) => ({
      type: "notification",
      position: row.position,
      row,
    }));
    if (isMore || news.unread === this.#unread) return events;
    this.#unread = news.unread;
    events.push({ type: "unread", position: this.#position, unread: news.unread });
    return events;
  }
}
