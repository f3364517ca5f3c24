import * as decoding from "lib0/decoding";
import * as Y from "yjs";
import type { ErrorCode } from "../schema/errors.ts";

/** Frame types of the protocol (docs/SPEC.md, The wire). All are one byte. */
export const FRAME = {
  sync: 0,
  awareness: 1,
  auth: 2,
  queryAwareness: 3,
  syncReply: 4,
  stateless: 5,
  close: 7,
  ping: 9,
  pong: 10,
} as const;

/** As large as a request may be that carries no document. */
const MAX_STATELESS_BYTES = 64 * 1024;

/** A state vector has a few bytes for each client that ever wrote: this is more than 100,000 of them. */
const MAX_STATE_VECTOR_BYTES = 1024 * 1024;

const TOKEN = 0;
const LAST_SYNC_TYPE = 2;

/**
 * Why a client may not send this; null where it may. Hocuspocus would drop the document of a frame that it cannot
 * read and leave the socket, on which the provider then writes to nobody (FIELD-NOTES 7).
 * @param body what follows the address, up to the end of its memory: lib0 reads on where a view ends
 */
export function faultOf(body: Uint8Array): ErrorCode | null {
  try {
    return faultIn(decoding.createDecoder(body), body.length);
  } catch {
    return "bad_frame";
  }
}

function faultIn(decoder: decoding.Decoder, length: number): ErrorCode | null {
  const type = decoding.readUint8(decoder);
  switch (type) {
    case FRAME.sync:
    case FRAME.syncReply: {
      const kind = decoding.readVarUint(decoder);
      const message = decoding.readVarUint8Array(decoder);
      if (kind > LAST_SYNC_TYPE) return "bad_frame";
      if (kind > 0) return null;
      if (message.length > MAX_STATE_VECTOR_BYTES) return "too_large";
      Y.decodeStateVector(message);
      return null;
    }
    case FRAME.auth:
      if (decoding.readVarUint(decoder) !== TOKEN) return "bad_frame";
      decoding.readVarString(decoder);
      // The provider's version, which older ones do not send.
      if (decoding.hasContent(decoder)) decoding.readVarString(decoder);
      return null;
    case FRAME.stateless:
      if (length > MAX_STATELESS_BYTES) return "too_large";
      decoding.readVarString(decoder);
      return null;
    case FRAME.awareness:
    case FRAME.queryAwareness:
    case FRAME.close:
    case FRAME.ping:
    case FRAME.pong:
      return null;
    default:
      // BroadcastStateless and SyncStatus are the server's to send; the others nobody's.
      return "bad_frame";
  }
}
