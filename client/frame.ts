import { createDecoder, readVarInt, readVarString, readVarUint } from "lib0/decoding";

/** What a frame is to somebody who counts: which document, and does it ask for or bring an acknowledgement? */
export type FrameKind =
  | "step-1"
  | "step-2"
  | "update"
  | "acknowledged"
  | "refused"
  | "stateless"
  | "close"
  | "other";

/** `address` is the document name, or `name\0session` where one socket carries several sessions. */
export type Frame = { readonly address: string; readonly kind: FrameKind };

// The wire numbers of Hocuspocus 4.7 (server/src/types.ts MessageType) and y-protocols (sync.js).
const SYNC = 0;
const SYNC_REPLY = 4;
const STATELESS = 5;
const CLOSE = 7;
const SYNC_STATUS = 8;
const SYNC_KINDS: readonly FrameKind[] = ["step-1", "step-2", "update"];

/**
 * Reads the head of a Hocuspocus frame: varString address, varUint type, for sync frames varUint step.
 * Null for what is not addressed to a document: a one-byte ping, or bytes that cannot be read.
 */
export function readFrame(bytes: Uint8Array): Frame | null {
  if (bytes.length <= 1) return null;
  try {
    const decoder = createDecoder(bytes);
    const address = readVarString(decoder);
    const type = readVarUint(decoder);
    switch (type) {
      case SYNC:
      case SYNC_REPLY:
        return { address, kind: SYNC_KINDS[readVarUint(decoder)] ?? "other" };
      case SYNC_STATUS:
        return { address, kind: readVarInt(decoder) === 1 ? "acknowledged" : "refused" };
      case STATELESS:
        return { address, kind: "stateless" };
      case CLOSE:
        return { address, kind: "close" };
      default:
        return { address, kind: "other" };
    }
  } catch {
    // lib0 throws on a truncated frame. The provider has its own opinion of it; it counts as nothing here.
    return null;
  }
}
