import { parentPort } from "node:worker_threads";
import * as Y from "yjs";
import { checkUpdate } from "./update-check.ts";
import type { ApartReply, ApartRequest } from "./update-check-thread.ts";

/**
 * The thread in which a large update is applied to a copy of the document first. How long Yjs takes cannot be told
 * from the bytes: 40,000 insertions at one place can be 50 seconds' work, and nobody else is served meanwhile.
 */
const reply = (message: ApartReply): void => parentPort?.postMessage(message);

parentPort?.on("message", ({ id, state, update, limits }: ApartRequest) => {
  const copy = new Y.Doc();
  Y.applyUpdate(copy, state);
  reply({ id, phase: "begun" });
  try {
    const { fault, isIncomplete } = checkUpdate(Y.decodeUpdate(update), copy, limits);
    if (fault === null && !isIncomplete) Y.applyUpdate(copy, update);
    reply({ id, phase: "done", fault });
  } catch {
    reply({ id, phase: "done", fault: "unreadable" });
  }
  copy.destroy();
});
