import type { Connection } from "@hocuspocus/server";
import type { SocketContext } from "./collaboration-socket.ts";

/** Somebody who has a document open: a person, or an agent that acts for him. */
export type Present = {
  readonly userId: string;
  readonly agentId: string | null;
  /** True when none of his sockets can edit. */
  readonly readOnly: boolean;
  readonly sessions: number;
};

/** More than a list of faces can show. */
const MAX_PRESENT = 1000;

/** Who is behind these connections: by how they signed in, not by what their editors say. */
export function presenceOf(connections: readonly Connection[]): Present[] {
  const present = new Map<string, Present>();
  for (const connection of connections) {
    const { userId, agentId } = (connection.context as SocketContext).author;
    if (userId === null) continue;
    const key = `${userId} ${agentId ?? ""}`;
    const known = present.get(key) ?? { userId, agentId, readOnly: true, sessions: 0 };
    const readOnly = known.readOnly && connection.readOnly;
    present.set(key, { ...known, readOnly, sessions: known.sessions + 1 });
  }
  return [...present.values()].slice(0, MAX_PRESENT);
}
