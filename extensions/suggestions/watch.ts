import type { Logger } from "pino";
import type { PendingStandings } from "../../persistence/apply-hunks.ts";
import { documentName, type DocumentAddress } from "../../schema/ids.ts";
import type { HunkState } from "../../schema/suggestion/state.ts";
import type { LiveDocuments } from "../live-documents.ts";

/** Told on every socket of the text when a suggestion came, was decided, or stands otherwise to the text than before. */
export type SuggestionChanged = {
  readonly event: "suggestion.changed";
  readonly documentId: string;
  /** The position of the log that this is true of. */
  readonly seq: number;
  /** Hunks that wait and stand otherwise than was told last, and those that do not wait any more (null). */
  readonly states: Readonly<Record<string, HunkState | null>>;
};

type WatchOptions = {
  /** How many hunks wait in a document; for none of them a thread is started. */
  readonly pending: (documentId: string) => Promise<number>;
  readonly standings: (documentId: string) => Promise<PendingStandings>;
  readonly live: Pick<LiveDocuments, "live">;
  readonly logger: Logger;
};

/** A text of now is looked at this long after it was changed, ms: what is typed meanwhile is seen with it. */
const AFTER_MS = 200;

/** What is known of an open document. */
type Watched = {
  told: Readonly<Record<string, HunkState>>;
  timer: NodeJS.Timeout | null;
  isLooking: boolean;
  isStirred: boolean;
};

/**
 * Tells whoever has a text open how its suggestions stand, as the text changes. The work is done in a thread; a text
 * for which nothing is suggested costs one look when it is first typed in.
 */
export class SuggestionWatch {
  readonly #options: WatchOptions;
  readonly #watched = new Map<string, Watched>();
  /** Open texts in which nothing waits. */
  readonly #idle = new Set<string>();
  #closed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Somebody proposed or decided. */
  changed(documentId: string): void {
    this.#idle.delete(documentId);
    this.#stirred(documentId);
  }

  /** Something was committed. */
  committed({ documentId, part }: Pick<DocumentAddress, "documentId" | "part">): void {
    if (part === "content") this.#stirred(documentId);
  }

  #stirred(documentId: string): void {
    if (this.#closed || this.#idle.has(documentId)) return;
    const watched = this.#watched.get(documentId) ?? this.#begin(documentId);
    watched.isStirred = true;
    if (watched.timer !== null || watched.isLooking) return;
    watched.timer = setTimeout(() => void this.#look(documentId, watched), AFTER_MS).unref();
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#watched.values()) if (timer !== null) clearTimeout(timer);
    this.#watched.clear();
  }

  #begin(documentId: string): Watched {
    const watched = { told: {}, timer: null, isLooking: false, isStirred: false };
    this.#watched.set(documentId, watched);
    return watched;
  }

  async #look(documentId: string, watched: Watched): Promise<void> {
    watched.timer = null;
    watched.isStirred = false;
    if (this.#document(documentId) === undefined) {
      this.#forget(documentId);
      return;
    }
    watched.isLooking = true;
    try {
      const isWaiting = (await this.#options.pending(documentId)) > 0;
      if (isWaiting || Object.keys(watched.told).length > 0) {
        this.#tell(documentId, watched, await this.#options.standings(documentId));
      } else this.#rest(documentId, watched);
    } catch (error) {
      // The next change asks again.
      this.#options.logger.warn({ err: error, documentId }, "suggestions were not judged");
    }
    watched.isLooking = false;
    if (watched.isStirred) this.#stirred(documentId);
  }

  #tell(documentId: string, watched: Watched, { seq, standings }: PendingStandings): void {
    const now = Object.fromEntries(
      Object.entries(standings).map(([id, { state }]) => [id, state] as const),
    );
    const gone = Object.keys(watched.told).filter((id) => now[id] === undefined);
    const states = Object.fromEntries([
      ...Object.entries(now).filter(([id, state]) => watched.told[id] !== state),
      ...gone.map((id) => [id, null] as const),
    ]);
    watched.told = now;
    const document = this.#document(documentId);
    if (Object.keys(states).length > 0) {
      const message: SuggestionChanged = { event: "suggestion.changed", documentId, seq, states };
      document?.broadcastStateless(JSON.stringify(message));
    }
    if (Object.keys(now).length === 0) this.#rest(documentId, watched);
  }

  /** Nothing waits in it: nothing is asked until somebody proposes, or it is opened anew. */
  #rest(documentId: string, { isStirred }: Watched): void {
    // Somebody may have proposed since that look began.
    if (isStirred) return;
    this.#forget(documentId);
    const document = this.#document(documentId);
    if (document === undefined) return;
    this.#idle.add(documentId);
    document.once("destroy", () => this.#idle.delete(documentId));
  }

  #forget(documentId: string): void {
    this.#watched.delete(documentId);
  }

  #document(documentId: string) {
    return this.#options.live.live(documentName(documentId, "content"))?.document;
  }
}
