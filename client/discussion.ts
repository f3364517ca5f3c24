import type * as Y from "yjs";
import { createAnchorResolver, type ResolvedAnchor } from "../schema/anchor.ts";
import { readDiscussion, type Thread } from "../schema/discussion.ts";

/** Rests of typing after which anchors are looked for again, ms: it takes a walk through the text. */
const SETTLE_MS = 200;

/** The two documents that a discussion is read from, as a client holds them. */
export type DiscussionOptions = {
  /** The discussion: the `document` of a collaboration with `part: "comments"`. */
  comments: Y.Doc;
  /** The text that it is about: the `document` of the collaboration with the text. */
  content: Y.Doc;
  /** How long after an edit of the text the anchors are looked for again; 200 ms where not given. */
  settleMs?: number;
};

/** A thread and where in the text it is. */
export type DiscussionThread = Thread & {
  /** Where its words are now; null for a thread about the whole document, and for a detached one. */
  readonly place: ResolvedAnchor | null;
  /** It was about words that cannot be found any more. */
  readonly isDetached: boolean;
};

/** A discussion as it is now, to be read; it is written by commands, see `createThread` of the API client. */
export type Discussion = {
  /** The threads, the oldest first; those of which nothing is left to read, too (`isGone`). The same until a change. */
  readonly threads: readonly DiscussionThread[];
  /** Calls the listener when a thread or the place of one has changed; the answer ends it. */
  on(event: "change", listener: () => void): () => void;
  /** Ends it. Neither document is destroyed. Idempotent. */
  close(): void;
};

/** Reads a discussion and keeps its threads with the words that they are about. Never changes either document. */
export function createDiscussion({
  comments,
  content,
  settleMs = SETTLE_MS,
}: DiscussionOptions): Discussion {
  const listeners = new Set<() => void>();
  let threads = readThreads(comments, content);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const refresh = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const now = readThreads(comments, content);
    if (isSame(threads, now)) return;
    threads = now;
    for (const listener of listeners) listener();
  };
  // Not anew at every key: who types without a rest sees the places move all the same.
  const settle = (): void => {
    timer ??= setTimeout(refresh, settleMs);
  };
  comments.on("update", refresh);
  content.on("update", settle);
  return {
    get threads() {
      return threads;
    },
    on(_event, listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      clearTimeout(timer);
      comments.off("update", refresh);
      content.off("update", settle);
      listeners.clear();
    },
  };
}

function readThreads(comments: Y.Doc, content: Y.Doc): DiscussionThread[] {
  const resolver = createAnchorResolver(content);
  return readDiscussion(comments).map((thread) => {
    const place = thread.anchor === null ? null : resolver.resolve(thread.anchor);
    return { ...thread, place, isDetached: thread.anchor !== null && place === null };
  });
}

function isSame(one: readonly DiscussionThread[], other: readonly DiscussionThread[]): boolean {
  return (
    one.length === other.length &&
    one.every((thread, at) => {
      const now = other[at];
      return (
        now !== undefined && isSamePlace(thread.place, now.place) && said(thread) === said(now)
      );
    })
  );
}

const said = ({ place: _, ...thread }: DiscussionThread): string => JSON.stringify(thread);

function isSamePlace(one: ResolvedAnchor | null, other: ResolvedAnchor | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.text === other.text &&
    one.ranges.length === other.ranges.length &&
    one.ranges.every(({ text, from, to, blockId }, at) => {
      const now = other.ranges[at];
      return now?.text === text && now.from === from && now.to === to && now.blockId === blockId;
    })
  );
}
