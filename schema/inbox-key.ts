/** Whose inbox: a person's or an agent's. */
export type Recipient = { readonly userId: string } | { readonly agentId: string };

/** The same as text, `user:<uuid>` or `agent:<uuid>`; made only by {@link inboxKey}. */
export type InboxKey = string & { readonly __brand: "InboxKey" };

/** Names the inbox of somebody, be it that he was ever notified or not. */
export const inboxKey = (recipient: Recipient): InboxKey =>
  ("userId" in recipient ? `user:${recipient.userId}` : `agent:${recipient.agentId}`) as InboxKey;
