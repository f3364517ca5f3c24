import type { Logger } from "pino";
import type { Sql } from "../persistence/database.ts";
import { inboxVersions } from "../persistence/inbox.ts";
import { standingsOf } from "../persistence/standing.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { inboxKey } from "../schema/inbox-key.ts";
import { principalKey, type Principal } from "../schema/principal.ts";
import type { Bell } from "./bell.ts";
import { inboxReaderOf } from "./inbox-reader.ts";
import { InboxStream } from "./inbox-stream.ts";
import type { OnLimit } from "./limits.ts";
import { asOfNow, holdingOf } from "./rights.ts";
import { CLOCK_TOLERANCE_SECONDS } from "./sign-in-jwt.ts";
import { Tally } from "./tally.ts";

/** What streams are kept with. */
export type InboxStreamsOptions = {
  /** For what readers wait for. */
  readonly sql: Sql;
  /** Opens a client of one connection, for looking after all of them. */
  readonly connect: () => Sql;
  readonly bell: Pick<Bell, "listen">;
  /** How often it is looked whether readers still may, and whether another process put something in, ms. */
  readonly everyMs: number;
  readonly perPrincipal: number;
  readonly inAll: number;
  readonly onLimit: OnLimit;
  readonly logger: Logger;
};

/** Who takes nothing for so long, ms, is gone or too slow. */
const SLOW_READER_MS = 30_000;

/** A statement that takes longer, ms, is on a connection that is dead. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Standing questions ask for a document, and nothing has this id. */
const NO_DOCUMENT = "00000000-0000-0000-0000-000000000000";

type Reader = { readonly stream: InboxStream; version: string | null };

/**
 * All event streams of this process, and one timer that looks after them: who is signed in no longer is sent away
 * [A3], whose inbox has changed is told. While nobody listens nothing is asked; while the database is away nobody is
 * sent away.
 */
export class InboxStreams {
  readonly #options: InboxStreamsOptions;
  readonly #readers = new Set<Reader>();
  readonly #perPrincipal: Tally;
  readonly #timer: NodeJS.Timeout;
  #sql: Sql;
  #askedAtMs: number | null = null;
  #hasFailed = false;
  #isClosed = false;

  constructor(options: InboxStreamsOptions) {
    this.#options = options;
    this.#perPrincipal = new Tally(options.perPrincipal);
    this.#sql = options.connect();
    this.#timer = setInterval(() => this.#tick(), options.everyMs);
  }

  get size(): number {
    return this.#readers.size;
  }

  /**
   * Somebody listens, from a position on; null: from now on. `hangUp`: how to end it for one who takes nothing.
   * @throws ScriptoriumError `too_many_requests`, `restarting`.
   */
  open(principal: Principal, after: number | null, hangUp: () => void): InboxStream {
    if (this.#isClosed) throw new ScriptoriumError("restarting", "The server is restarting");
    const release =
      this.#readers.size < this.#options.inAll
        ? this.#perPrincipal.take(principalKey(principal))
        : null;
    if (release === null) {
      this.#options.onLimit("inbox_streams");
      throw new ScriptoriumError("too_many_requests", "Too many event streams are open");
    }
    const stopListening = this.#options.bell.listen(inboxKey(inboxReaderOf(principal).owner), () =>
      stream.stirred(),
    );
    const onEnd = (): void => {
      stopListening();
      release();
      this.#readers.delete(reader);
      if (stream.untakenSinceMs !== null) hangUp();
    };
    const stream = new InboxStream(this.#options.sql, principal, { after, onEnd });
    const reader: Reader = { stream, version: null };
    this.#readers.add(reader);
    return stream;
  }

  /** Ends all of them. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const { stream } of this.#readers) stream.end();
    await this.#sql.end({ timeout: 1 });
  }

  #tick(): void {
    this.#endExpired(Date.now());
    if (this.#askedAtMs !== null) this.#endHanging(this.#askedAtMs);
    else if (this.#readers.size > 0) {
      this.#askedAtMs = performance.now();
      this.#look([...this.#readers]).then(
        () => this.#answered(null),
        (error: unknown) => this.#answered(error),
      );
    }
  }

  async #look(readers: readonly Reader[]): Promise<void> {
    const questions = readers.map(({ stream }) => ({
      documentId: NO_DOCUMENT,
      ...holdingOf(stream.principal),
    }));
    const standings = await standingsOf(this.#sql, questions);
    for (const [index, { stream }] of readers.entries()) {
      const standing = standings[index];
      const principal = standing === undefined ? null : asOfNow(stream.principal, standing);
      if (principal === null) stream.end();
      else stream.standsAs(principal);
    }
    const owners = readers.map(({ stream }) => inboxReaderOf(stream.principal).owner);
    const versions = await inboxVersions(this.#sql, owners);
    for (const [index, reader] of readers.entries()) {
      const version = versions[index] ?? null;
      if (version !== reader.version || this.#hasFailed) reader.stream.stirred();
      reader.version = version;
    }
  }

  #answered(error: unknown): void {
    this.#askedAtMs = null;
    // Once for an outage, not once a second.
    if (error !== null && !this.#hasFailed) {
      this.#options.logger.warn(
        { err: error },
        "event streams were not looked after, will be again",
      );
    }
    this.#hasFailed = error !== null;
  }

  /** The connection is dead without having said so: what waits on it fails, the next question takes a new one. */
  #endHanging(askedAtMs: number): void {
    if (performance.now() - askedAtMs < ANSWER_TIMEOUT_MS) return;
    const hung = this.#sql;
    this.#sql = this.#options.connect();
    hung.end({ timeout: 0 }).catch(() => {});
  }

  #endExpired(nowMs: number): void {
    for (const { stream } of this.#readers) {
      const { principal, untakenSinceMs } = stream;
      const expiresAtMs = principal.kind === "jwt" ? principal.expiresAtMs : Infinity;
      if (expiresAtMs + CLOCK_TOLERANCE_SECONDS * 1000 <= nowMs) stream.end();
      if (untakenSinceMs === null || performance.now() - untakenSinceMs < SLOW_READER_MS) continue;
      this.#options.onLimit("slow_reader");
      stream.end();
    }
  }
}
