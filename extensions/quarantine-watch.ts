import type { Logger } from "pino";
import type { Sql } from "../persistence/database.ts";
import { listMended } from "../persistence/quarantine.ts";
import { parseDocumentName } from "../schema/ids.ts";
import type { LiveDocument } from "./live-document.ts";

/** How often the database is asked, ms, while somebody has a quarantined document open. */
const ASK_EVERY_MS = 2000;

/**
 * Notices that a document that is open read-only has been repaired. Asked for, not notified: a notice can get lost in
 * the very trouble that made the repair necessary, and without quarantined documents nobody asks.
 */
export class QuarantineWatch {
  readonly #sql: Sql;
  readonly #logger: Logger;
  readonly #onMended: (live: LiveDocument) => void;
  readonly #watched = new Set<LiveDocument>();
  #timer: NodeJS.Timeout | null = null;
  #asking = false;

  constructor(options: { sql: Sql; logger: Logger; onMended: (live: LiveDocument) => void }) {
    this.#sql = options.sql;
    this.#logger = options.logger;
    this.#onMended = options.onMended;
  }

  /** Watches until the copy is gone or the document whole again. */
  add(live: LiveDocument): void {
    this.#watched.add(live);
    this.#timer ??= setInterval(() => this.#ask(), ASK_EVERY_MS).unref();
  }

  #ask(): void {
    for (const live of this.#watched) {
      if (live.discarded || live.document.isDestroyed) this.#watched.delete(live);
    }
    if (this.#watched.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    if (this.#asking || this.#timer === null) return;
    this.#asking = true;
    this.#tellMended()
      .catch((error: unknown) => this.#logger.debug({ err: error }, "quarantine not looked up"))
      .finally(() => {
        this.#asking = false;
      });
  }

  async #tellMended(): Promise<void> {
    const watched = [...this.#watched];
    const mended: ReadonlySet<string> = new Set<string>(
      await listMended(
        this.#sql,
        watched.map(({ document }) => parseDocumentName(document.name)),
      ),
    );
    for (const live of watched) {
      if (!mended.has(live.document.name)) continue;
      this.#watched.delete(live);
      this.#onMended(live);
    }
  }
}
