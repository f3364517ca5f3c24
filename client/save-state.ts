import { assertNever, type ScriptoriumError } from "../schema/errors.ts";

/**
 * What a document knows about being saved, as a pure function of what happened.
 *
 * The rule (FIELD-NOTES 12): the server answers every `Update` and every `SyncStep2` with exactly one
 * `SyncStatus`, in the order they came, and sends it after COMMIT. So a document is saved when, on *this*
 * socket, its `SyncStep2` has left (it carries everything written before), nothing is held back, and as many
 * acknowledgements came in as frames went out. Counts never outlive their socket.
 *
 * States × events; `·` = unchanged, `n+1` = a count moves and the status is derived anew.
 *
 * | event                  | enforced by         | connecting | offline    | open (syncing, saving, saved) | rejected   |
 * | ---------------------- | ------------------- | ---------- | ---------- | ----------------------------- | ---------- |
 * | attempting: handshake  | socket              | ·          | connecting | ·                             | ·          |
 * | opened                 | socket              | open, 0/0  | open, 0/0  | open, 0/0                     | ·          |
 * | edited: local edit     | `update` of the doc | ·          | ·          | holds an edit back            | ·          |
 * | sent `Update`          | socket, after send  | ·          | ·          | sent n+1, nothing held back   | ·          |
 * | sent `SyncStep2`       | socket, after send  | ·          | ·          | sent n+1, answered            | ·          |
 * | received `SyncStep2`   | socket              | ·          | ·          | received                      | ·          |
 * | acknowledged           | server, after COMMIT| ·          | ·          | acknowledged n+1              | ·          |
 * | refused: SyncStatus(0) | server              | ·          | ·          | rejected (edit)               | ·          |
 * | denied: auth or 44xx   | server              | rejected   | rejected   | rejected (access)             | (access)   |
 * | lost                   | socket              | offline    | ·          | offline                       | ·          |
 * | retried                | the user            | connecting | connecting | connecting                    | connecting |
 *
 * Within open: `syncing` until both halves of the first sync have passed; then `saving` while something is
 * held back or unacknowledged; then `saved`. An edit made offline needs no event: `opened` counts from zero and
 * only the acknowledged `SyncStep2`, which contains the edit, leads out of it.
 */
export const SAVE_STATUSES = [
  "connecting",
  "syncing",
  "saving",
  "saved",
  "offline",
  "rejected",
] as const;
export type SaveStatus = (typeof SAVE_STATUSES)[number];

/** Frames of one document on one socket. Maintained invariant: `acknowledged <= sent`. */
export type FrameCounts = {
  /** `Update` and `SyncStep2` frames sent. */
  readonly sent: number;
  /** `SyncStatus(1)` frames received. */
  readonly acknowledged: number;
  /** Our `SyncStep2` has been sent. */
  readonly answered: boolean;
  /** The server's `SyncStep2` has been applied. */
  readonly received: boolean;
  /** A local edit is not yet in a frame: `flushDelay` holds it, or the socket is closing. */
  readonly heldBack: boolean;
};

/** What the status is derived from. */
export type SaveState =
  | { readonly at: "connecting" }
  | { readonly at: "offline" }
  | { readonly at: "open"; readonly frames: FrameCounts }
  | {
      readonly at: "rejected";
      /** `edit`: reading goes on, this document's edits are refused. `access`: the document is closed to us. */
      readonly what: "edit" | "access";
      readonly error: ScriptoriumError;
    };

/** What can happen to a collaboration. */
export type SaveEvent =
  | { readonly type: "attempting" }
  | { readonly type: "opened" }
  | { readonly type: "edited" }
  | { readonly type: "sent"; readonly frame: "update" | "step-2" }
  | { readonly type: "received" }
  | { readonly type: "acknowledged" }
  | { readonly type: "refused"; readonly error: ScriptoriumError }
  | { readonly type: "denied"; readonly error: ScriptoriumError }
  | { readonly type: "lost" }
  | { readonly type: "retried" };

const NO_FRAMES: FrameCounts = {
  sent: 0,
  acknowledged: 0,
  answered: false,
  received: false,
  heldBack: false,
};

/** A collaboration that has just been made. */
export const INITIAL_SAVE_STATE: SaveState = { at: "connecting" };

/** True when both halves of this socket's first sync have passed, so that counting frames means something. */
export const isExchanged = (frames: FrameCounts): boolean => frames.answered && frames.received;

/** The one word a person is shown. */
export function statusOf(state: SaveState): SaveStatus {
  if (state.at !== "open") return state.at;
  const { frames } = state;
  if (!isExchanged(frames)) return "syncing";
  return frames.heldBack || frames.acknowledged < frames.sent ? "saving" : "saved";
}

/** The next state; the table above, row by row. Returns the same object when nothing changed. */
export function nextSaveState(state: SaveState, event: SaveEvent): SaveState {
  if (event.type === "retried") return { at: "connecting" };
  if (event.type === "denied") return { at: "rejected", what: "access", error: event.error };
  if (state.at === "rejected") return state;
  switch (event.type) {
    case "attempting":
      return state.at === "offline" ? { at: "connecting" } : state;
    case "opened":
      return { at: "open", frames: NO_FRAMES };
    case "lost":
      return state.at === "offline" ? state : { at: "offline" };
    case "refused":
      return state.at === "open" ? { at: "rejected", what: "edit", error: event.error } : state;
    case "edited":
    case "sent":
    case "received":
    case "acknowledged":
      return state.at === "open" ? { at: "open", frames: count(state.frames, event) } : state;
    default:
      return assertNever(event);
  }
}

type CountedEvent = Extract<SaveEvent, { type: "edited" | "sent" | "received" | "acknowledged" }>;

function count(frames: FrameCounts, event: CountedEvent): FrameCounts {
  switch (event.type) {
    case "edited":
      return { ...frames, heldBack: true };
    case "received":
      return { ...frames, received: true };
    case "sent":
      // A flush merges everything held back into one Update; a SyncStep2 leaves the flush still to come.
      return event.frame === "update"
        ? { ...frames, sent: frames.sent + 1, heldBack: false }
        : { ...frames, sent: frames.sent + 1, answered: true };
    case "acknowledged":
      // An acknowledgement of nothing must not vouch for a later frame.
      return frames.acknowledged < frames.sent
        ? { ...frames, acknowledged: frames.acknowledged + 1 }
        : frames;
    default:
      return assertNever(event);
  }
}
