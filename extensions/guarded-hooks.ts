import type { HookName } from "@hocuspocus/server";
import type { Logger } from "pino";
import { type CollaborationSocket, socketIn } from "./collaboration-socket.ts";
import { codeOf, Refusal } from "./refusal.ts";

/** Where a failure was caught: a hook of Hocuspocus, or the short way of an update. */
export type FailedAt = HookName | "receiveUpdateFrame" | "unloadDocument";

/** Whom a failure is told. */
export type FailureReport = {
  readonly logger: Logger;
  /** Counts it. */
  readonly onFailed?: (at: FailedAt) => void;
};

/**
 * What these throw ends here. Hocuspocus drops their promise, and one that rejects would end the process
 * (FIELD-NOTES 4); only `beforeUnloadDocument` it would heed, and keep the document in memory for good.
 */
const SWALLOWED: ReadonlySet<HookName> = new Set([
  "onConfigure",
  "onStateless",
  "onChange",
  "onAwarenessUpdate",
  "onDisconnect",
  "afterHandleMessage",
  "beforeBroadcastStateless",
  "beforeUnloadDocument",
  "afterUnloadDocument",
]);

type Extension = Partial<Record<HookName, unknown>>;
type Hook = (payload: unknown) => unknown;

/**
 * Runs one hook of every extension, in order, as Hocuspocus does; `callback` gets each answer.
 *
 * A Refusal passes: it is an answer. Whatever else is thrown is logged with its document, counted, and costs one
 * socket. A hook that Hocuspocus waits for rejects with a Refusal then, so that it goes no further, prints nothing
 * and meets no `undefined`.
 */
export async function runHooks(
  extensions: readonly Extension[],
  name: HookName,
  payload: unknown,
  callback: ((answer: unknown) => unknown) | null,
  report: FailureReport,
): Promise<unknown> {
  let answer: unknown;
  for (const extension of extensions) {
    const hook = extension[name];
    if (typeof hook !== "function") continue;
    try {
      answer = await (hook as Hook).call(extension, payload);
      if (callback !== null) answer = await callback(answer);
    } catch (error) {
      if (!isRefusal(error)) tellFailure(report, name, payload, error);
      if (SWALLOWED.has(name)) return undefined;
      // Without its cause, which is in the log: Hocuspocus prints what some hooks throw, whole.
      throw isRefusal(error) ? error : new Refusal(codeOf(error), null);
    }
  }
  return answer;
}

/** Logs, counts and closes the one socket that it happened on, if it was on one. Never throws. */
export function tellFailure(
  { logger, onFailed }: FailureReport,
  at: FailedAt,
  payload: unknown,
  error: unknown,
): void {
  const place = placeOf(payload);
  onFailed?.(at);
  try {
    const connectionId = place.socket?.connectionId;
    logger.error(
      { hook: at, documentName: place.documentName, connectionId, err: error },
      "hook failed",
    );
  } catch {
    // An error that cannot even be read: the log of a test, or of somebody else, may try.
    logger.error({ hook: at, documentName: place.documentName }, "hook failed");
  }
  place.socket?.closeFor("internal");
}

type Place = {
  readonly documentName: string | undefined;
  readonly socket: CollaborationSocket | undefined;
};

/** What a hook was told of where it runs. Hocuspocus names the socket in `context`, or in `connection.context`. */
function placeOf(payload: unknown): Place {
  const { documentName, context, connection } = payload as {
    readonly documentName?: string;
    readonly context?: unknown;
    readonly connection?: { readonly context: unknown };
  };
  return { documentName, socket: socketIn(context) ?? socketIn(connection?.context) };
}

function isRefusal(error: unknown): error is Refusal {
  try {
    return error instanceof Refusal;
  } catch {
    return false;
  }
}
