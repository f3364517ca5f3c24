import type { InboxReader } from "../persistence/inbox.ts";
import type { Principal } from "../schema/principal.ts";
import { rightsOf } from "../schema/roles.ts";
import { reachOf } from "./rights.ts";

/** Whose inbox a principal reads, and how far he sees: an agent's key reads the agent's, all others the person's. */
export const inboxReaderOf = (principal: Principal): InboxReader => {
  const isKey = principal.kind === "key";
  return {
    owner:
      isKey && principal.agentId !== null
        ? { agentId: principal.agentId }
        : { userId: principal.userId },
    reach: reachOf(principal),
    mayRead: rightsOf("viewer", isKey ? principal.scopes : null).includes("read"),
  };
};
