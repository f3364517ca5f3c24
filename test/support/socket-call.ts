import { randomUUID } from "node:crypto";
import type { HocuspocusProvider } from "@hocuspocus/provider";

/** What a server answers to a call on a socket. */
export type SocketAnswer = {
  readonly id: string | null;
  readonly status: number;
  readonly body?: Record<string, unknown>;
};

/** Says something on a provider's document and waits for the answer to it. */
export function callOnSocket(
  provider: HocuspocusProvider,
  message: Readonly<Record<string, unknown>>,
): Promise<SocketAnswer> {
  const id = randomUUID();
  return new Promise((resolve) => {
    const onStateless = ({ payload }: { payload: string }): void => {
      const answer = JSON.parse(payload) as SocketAnswer;
      if (answer.id !== id) return;
      provider.off("stateless", onStateless);
      resolve(answer);
    };
    provider.on("stateless", onStateless);
    provider.sendStateless(JSON.stringify({ id, ...message }));
  });
}
