import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import type { Document, Extension } from "@hocuspocus/server";
import type { Collaboration } from "../../server/collaboration.ts";

/** Hooks that carry a document's life. Each is delayed before ours runs, and after it. */
const HOOKS = [
  "onConnect",
  "onAuthenticate",
  "onCreateDocument",
  "onLoadDocument",
  "afterLoadDocument",
  "connected",
  "beforeSync",
  "onDisconnect",
  "beforeUnloadDocument",
  "afterUnloadDocument",
] as const;

/**
 * Lets everybody who waits pass in the same turn: what timers of their own never do, for Node empties the queue of
 * promises between two of them. So an opening and an unloading can meet between any two awaits.
 */
function createGate(): { pass(turns: number): Promise<void> } {
  let opening: Promise<void> | null = null;
  const open = async (): Promise<void> => {
    await delay(1);
    opening = null;
  };
  return {
    async pass(turns) {
      opening ??= open();
      await opening;
      for (let step = 0; step < turns; step += 1) await Promise.resolve();
    },
  };
}

export type CopyWatch = {
  /** How often each hook was delayed. */
  readonly delays: Record<string, number>;
  /** What went wrong, in words; empty while the invariant holds. */
  readonly violations: string[];
  /** Looks at every copy there is. */
  check(): void;
  /** Copies that were made and not destroyed. */
  leftover(): Document[];
};

/**
 * Delays every hook by a random time, and watches how many copies of each document are alive.
 *
 * Maintained invariant [T13]: of a document's copies at most one is in `documents` or has connections, and no
 * socket sits on a copy that is destroyed.
 */
export function watchCopies(
  { documents }: Pick<Collaboration, "documents">,
  random: () => number,
): CopyWatch {
  const copies = new Set<Document>();
  const delays: Record<string, number> = {};
  const violations: string[] = [];
  const complain = (sentence: string): void => {
    if (!violations.includes(sentence)) violations.push(sentence);
  };
  const check = (): void => {
    const alive = new Map<string, number>();
    for (const copy of copies) {
      const connections = copy.getConnectionsCount();
      if (copy.isDestroyed) {
        if (connections > 0) complain(`${connections} sockets on a destroyed ${copy.name}`);
        else copies.delete(copy);
      } else if (connections > 0 || documents.documents.get(copy.name) === copy) {
        alive.set(copy.name, (alive.get(copy.name) ?? 0) + 1);
      }
    }
    for (const [name, count] of alive) if (count > 1) complain(`${count} copies of ${name}`);
  };
  const gate = createGate();
  const pause = async (hook: string): Promise<void> => {
    check();
    delays[hook] = (delays[hook] ?? 0) + 1;
    const kind = random();
    if (kind < 0.2) await turn();
    else if (kind < 0.4) await delay(random() * 3);
    else if (kind < 0.8) await gate.pass(random() * 30);
    check();
  };
  const extension = (): Extension =>
    Object.fromEntries(
      HOOKS.map((hook) => [
        hook,
        async (payload: { document?: Document }) => {
          if (hook === "onLoadDocument" && payload.document !== undefined) {
            copies.add(payload.document);
          }
          await pause(hook);
        },
      ]),
    );
  documents.configuration.extensions.unshift(extension());
  documents.configuration.extensions.push(extension());
  return {
    delays,
    violations,
    check,
    leftover: () => [...copies].filter((copy) => !copy.isDestroyed),
  };
}
