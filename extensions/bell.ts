import type { InboxKey } from "../schema/inbox-key.ts";

/** Tells whoever listens in this process that an inbox has something new. What other processes put in does not ring. */
export type Bell = {
  readonly ring: (inboxes: readonly InboxKey[]) => void;
  /** Answers how to stop listening; idempotent. */
  readonly listen: (inbox: InboxKey, onRing: () => void) => () => void;
};

/** A bell that nobody listens to yet. Ring it after COMMIT: whoever hears it reads the database. */
export function createBell(): Bell {
  const listeners = new Map<InboxKey, Set<() => void>>();
  return {
    ring(inboxes) {
      for (const inbox of new Set(inboxes)) {
        for (const onRing of listeners.get(inbox) ?? []) onRing();
      }
    },
    listen(inbox, onRing) {
      const here = listeners.get(inbox) ?? new Set();
      // One of its own: the same function may listen twice.
      const listener = (): void => onRing();
      listeners.set(inbox, here.add(listener));
      return () => {
        here.delete(listener);
        if (here.size === 0 && listeners.get(inbox) === here) listeners.delete(inbox);
      };
    },
  };
}
