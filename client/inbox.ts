import type { EventOf } from "../schema/api/contract.ts";
import type { Api } from "../schema/api/index.ts";
import { type ApiClient, ApiError } from "./api.ts";
import { type Backoff, DEFAULT_BACKOFF, reconnectDelayMs } from "./backoff.ts";

/** What the inbox tells: `notification`, with the notification, and `unread`, with how many there are. */
export type InboxEvent = EventOf<Api["streamInbox"]>;

/** Who listens, and from where on. */
export type InboxOptions = {
  readonly api: Pick<ApiClient, "streamInbox">;
  readonly onEvent: (event: InboxEvent) => void;
  /** It is over for good: the server refuses, and would again. */
  readonly onRefused?: (error: ApiError) => void;
  /** `lastEventId` of an earlier one: nothing since is missed. Absent: what is new from now on. */
  readonly lastEventId?: string | null;
  readonly backoff?: Backoff;
};

/** An inbox that is listened to. */
export type Inbox = {
  /** Of the last event that was heard; keep it to go on from there. */
  readonly lastEventId: string | null;
  /** Ends it; idempotent. */
  close(): Promise<void>;
};

/** What the server means for good; everything else may be otherwise in a moment. */
const isFinal = (error: unknown): error is ApiError =>
  error instanceof ApiError && [400, 401, 403, 404].includes(error.problem.status);

/** A stream that says nothing for so long, ms, is dead: the server sends a comment every 15 s. */
const SILENCE_MS = 45_000;

/**
 * Hears of everything that comes into an inbox, each thing once and in order, across restarts of the server: it comes
 * back by itself, at first soon and then ever later, and goes on after the last event it heard.
 */
export function openInbox(options: InboxOptions): Inbox {
  const { onEvent, onRefused, backoff = DEFAULT_BACKOFF } = options;
  const ended = new AbortController();
  let lastEventId = options.lastEventId ?? null;
  let failures = 0;

  const onHeard = (event: InboxEvent): void => {
    failures = 0;
    lastEventId = event.id ?? lastEventId;
    if (!ended.signal.aborted) onEvent(event);
  };

  const run = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      try {
        await listen(options.api, { lastEventId, signal: ended.signal }, onHeard);
      } catch (error) {
        if (isFinal(error) && !ended.signal.aborted) {
          ended.abort();
          onRefused?.(error);
        }
      }
      await pause(reconnectDelayMs(failures, backoff, Math.random()), ended.signal);
      failures += 1;
    }
  };

  const running = run();
  return {
    get lastEventId() {
      return lastEventId;
    },
    async close() {
      ended.abort();
      await running;
    },
  };
}

/** Listens until the stream ends, or says nothing any more. */
async function listen(
  api: InboxOptions["api"],
  { lastEventId, signal }: { lastEventId: string | null; signal: AbortSignal },
  onHeard: (event: InboxEvent) => void,
): Promise<void> {
  const silence = new AbortController();
  const wait = (): ReturnType<typeof setTimeout> => setTimeout(() => silence.abort(), SILENCE_MS);
  let timer = wait();
  const onBytes = (): void => {
    clearTimeout(timer);
    timer = wait();
  };
  try {
    const either = AbortSignal.any([signal, silence.signal]);
    const { events } = await api.streamInbox({}, { lastEventId, signal: either, onBytes });
    for await (const event of events) onHeard(event);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after this long, or when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
