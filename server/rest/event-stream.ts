import type { ServerResponse } from "node:http";
import type { Context } from "hono";

/** A piece of an event stream as text, as server-sent events write it. */
export const eventText = (event: {
  readonly event: string;
  readonly id: string;
  readonly json: string;
}): string => `event: ${event.event}\nid: ${event.id}\ndata: ${event.json}\n\n`;

/** A comment, which readers pass over. */
export const HEARTBEAT = ":\n\n";

/** When a reader may come back after the stream has ended, ms. */
const RETRY_MS = 1000;

/** Where the text of a stream comes from. */
export type EventSource = {
  /** The next piece, as soon as there is one; null: it is over. Called when the reader has taken the one before. */
  readonly next: () => Promise<string | null>;
  /** The reader is gone. Idempotent. */
  readonly end: () => void;
};

/** The body of an answer that goes on until its source ends or its reader does. Nothing is made before it is taken. */
function eventBody({ next, end }: EventSource): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream(
    {
      start: (controller) => controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`)),
      async pull(controller) {
        const text = await next();
        if (text === null) controller.close();
        else controller.enqueue(encoder.encode(text));
      },
      cancel: end,
    },
    // No piece ahead of the reader: that would hide how slow he is.
    { highWaterMark: 0 },
  );
}

/** The answer with such a body. */
export function eventResponse(context: Context, source: EventSource): Response {
  context.header("content-type", "text/event-stream; charset=utf-8");
  // Not kept anywhere, not changed on the way, and not held back until there is more of it (nginx).
  context.header("cache-control", "no-store, no-transform");
  context.header("x-accel-buffering", "no");
  if (context.req.method !== "HEAD") return context.body(eventBody(source));
  source.end();
  return context.body(null);
}

/** Cuts the connection of a request: what was written and not read is lost. */
export function hangUpOn(context: Context): void {
  // `@hono/node-server` puts Node's own response here.
  const { outgoing } = (context.env ?? {}) as { outgoing?: ServerResponse };
  outgoing?.destroy();
}
