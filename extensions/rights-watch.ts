import type { Connection } from "@hocuspocus/server";
import type { Logger } from "pino";
import type { Sql } from "../persistence/database.ts";
import type { ErrorCode } from "../schema/errors.ts";
import { cut, type LiveRights } from "./live-rights.ts";
import { CLOCK_TOLERANCE_SECONDS } from "./sign-in-jwt.ts";

/** What live rights are compared with, and how often. */
export type RightsWatchOptions = {
  readonly rights: LiveRights;
  /** Opens a client of one connection: nobody who signs in waits for the watch, nor the watch for them. */
  readonly connect: () => Sql;
  readonly everyMs: number;
  /** A statement that takes longer, ms, is on a connection that is dead; 10 s where not given. */
  readonly answerTimeoutMs?: number;
  readonly logger: Logger;
};

/** So long before its end, ms, a JWT's holder is asked for another, and again after this while if it was in vain. */
const ASKED_BEFORE_MS = 30_000;
const ASKED_AGAIN_MS = 10_000;

/**
 * Looks after everybody who has a document open [A3]: asks the database whether he still may, whoever changed that, and
 * ends what a JWT said when it expires; shortly before, its holder is asked for a newer one. One timer for all. While
 * nobody is connected nothing is asked; while the database is away nobody is sent away.
 */
export class RightsWatch {
  readonly #options: RightsWatchOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #askedAtMs = new WeakMap<Connection, number>();
  #sql: Sql;
  /** Since when the database is asked; null: it has answered. */
  #waitingSinceMs: number | null = null;
  #hasFailed = false;

  constructor(options: RightsWatchOptions) {
    this.#options = options;
    this.#sql = options.connect();
    this.#timer = setInterval(() => this.#tick(), options.everyMs);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sql.end({ timeout: 1 });
  }

  #tick(): void {
    const { rights } = this.#options;
    this.#heedExpiry(Date.now());
    if (this.#waitingSinceMs !== null) this.#endHanging(this.#waitingSinceMs);
    else if (rights.open.size > 0) {
      this.#waitingSinceMs = performance.now();
      const { everyMs } = this.#options;
      rights.reviewAll(this.#sql).then(
        () => this.#answered(null),
        (error: unknown) => this.#answered({ err: error, everyMs }),
      );
    }
  }

  #answered(failure: { readonly err: unknown; readonly everyMs: number } | null): void {
    this.#waitingSinceMs = null;
    // Once for an outage, not once a second.
    if (failure !== null && !this.#hasFailed) {
      this.#options.logger.warn(failure, "rights were not looked up, will be again");
    }
    this.#hasFailed = failure !== null;
  }

  /** The connection is dead without having said so: what waits on it fails, the next question takes a new one. */
  #endHanging(waitingSinceMs: number): void {
    const { answerTimeoutMs = 10_000 } = this.#options;
    if (performance.now() - waitingSinceMs < answerTimeoutMs) return;
    const hung = this.#sql;
    this.#sql = this.#options.connect();
    hung.end({ timeout: 0 }).catch(() => {});
  }

  #heedExpiry(nowMs: number): void {
    const expired = new Map<Connection, ErrorCode>();
    for (const [connection, grounds] of this.#options.rights.open) {
      if (grounds.principal.kind !== "jwt") continue;
      const leftMs = grounds.principal.expiresAtMs - nowMs;
      if (leftMs <= -CLOCK_TOLERANCE_SECONDS * 1000) expired.set(connection, "unauthenticated");
      else if (leftMs <= ASKED_BEFORE_MS) this.#askForNewer(connection, nowMs);
    }
    cut(expired);
  }

  #askForNewer(connection: Connection, nowMs: number): void {
    if (nowMs - (this.#askedAtMs.get(connection) ?? 0) < ASKED_AGAIN_MS) return;
    this.#askedAtMs.set(connection, nowMs);
    connection.requestToken();
  }
}
