import type { Author } from "../../persistence/append-updates.ts";
import type { Principal } from "../../schema/principal.ts";

/** Whose name stands in the log: the person, and the agent that acts for him. */
export const authorOf = (principal: Principal): Author => ({
  userId: principal.userId,
  agentId: principal.kind === "key" ? principal.agentId : null,
});
