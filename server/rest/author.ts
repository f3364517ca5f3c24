import type { Actor } from "../../persistence/activities.ts";
import type { Author } from "../../persistence/append-updates.ts";
import { coarseNetworkOf } from "../../schema/networks.ts";
import type { Principal } from "../../schema/principal.ts";

/** Whose name stands in the log: the person, and the agent that acts for him. */
export const authorOf = (principal: Principal): Author => ({
  userId: principal.userId,
  agentId: principal.kind === "key" ? principal.agentId : null,
});

/** Who stands in the audit log: whoever asked, or nobody who is known yet. */
export function actorOf(
  principal: Principal | null,
  request: { readonly requestId: string; readonly network: string },
): Actor {
  const from = { requestId: request.requestId, network: coarseNetworkOf(request.network) };
  if (principal === null) return { type: "system", id: null, via: "link", ...from };
  const { userId } = principal;
  if (principal.kind !== "key") {
    const via = principal.kind === "user" ? "session" : "jwt";
    return { type: "user", id: userId, via, ...from };
  }
  const { keyId, agentId } = principal;
  return agentId === null
    ? { type: "user", id: userId, via: "key", keyId, ...from }
    : { type: "agent", id: agentId, via: "key", keyId, userId, ...from };
}
