import {
  INITIAL_SAVE_STATE,
  isExchanged,
  nextSaveState,
  type SaveEvent,
  type SaveState,
  type SaveStatus,
  statusOf,
} from "./save-state.ts";

export type StatusListener = (status: SaveStatus) => void;

/** The collaboration was closed before the promise could be kept. */
export class ClosedError extends Error {
  readonly code = "closed";
  constructor() {
    super("The collaboration was closed");
    this.name = "ClosedError";
  }
}

/** `need`: how many acknowledgements of this socket cover the edits made before the call; null until known. */
type Waiter = { need: number | null; resolve: () => void; reject: (reason: Error) => void };

/** Holds the save state of one document, tells who listens, and keeps the promises of `saved()`. */
export class SaveTracker {
  private current = INITIAL_SAVE_STATE;
  private ended = false;
  private readonly listeners = new Set<StatusListener>();
  private readonly waiters = new Set<Waiter>();

  get state(): SaveState {
    return this.current;
  }

  get status(): SaveStatus {
    return statusOf(this.current);
  }

  dispatch(event: SaveEvent): void {
    if (this.ended) return;
    const before = this.status;
    this.current = nextSaveState(this.current, event);
    for (const waiter of this.waiters) {
      if (settle(waiter, this.current)) this.waiters.delete(waiter);
    }
    if (this.status !== before) this.announce(this.status);
  }

  subscribe(listener: StatusListener): () => void {
    // A function of its own, so that one listener given twice is two.
    const entry: StatusListener = (status) => listener(status);
    this.listeners.add(entry);
    return () => this.listeners.delete(entry);
  }

  saved(): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { need: null, resolve, reject };
      if (this.ended) reject(new ClosedError());
      else if (!settle(waiter, this.current)) this.waiters.add(waiter);
    });
  }

  /** Goes offline for ever; promises still open are rejected with {@link ClosedError}. Idempotent. */
  end(): void {
    this.dispatch({ type: "lost" });
    this.ended = true;
    for (const { reject } of this.waiters) reject(new ClosedError());
    this.waiters.clear();
    this.listeners.clear();
  }

  private announce(status: SaveStatus): void {
    for (const listener of this.listeners) {
      // A listener that edited or reconnected has already told everybody what came of it.
      if (this.status !== status) return;
      listener(status);
    }
  }
}

/**
 * Keeps or breaks one promise if the state allows; true when it did. Acknowledgements come in the order of the
 * frames, so a promise needs only those up to the call: somebody who never stops typing is told all the same.
 */
function settle(waiter: Waiter, state: SaveState): boolean {
  if (state.at === "rejected") {
    waiter.reject(state.error);
    return true;
  }
  if (state.at !== "open" || !isExchanged(state.frames)) {
    // A count means nothing on another socket; there, its SyncStep2 carries the edits.
    waiter.need = null;
    return false;
  }
  const { sent, acknowledged, heldBack } = state.frames;
  if (waiter.need === null && !heldBack) waiter.need = sent;
  if (waiter.need === null || acknowledged < waiter.need) return false;
  waiter.resolve();
  return true;
}
