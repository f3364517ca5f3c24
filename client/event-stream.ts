/** One event of a stream of server-sent events, as text. */
type ServerSentEvent = {
  readonly event: string;
  /** The last id that was given, here or before; null: none yet. */
  readonly id: string | null;
  readonly data: string;
};

/**
 * The events of an answer, the data of each parsed; `onBytes` is called when anything arrives. The response is held
 * until it is read: Node's fetch cancels the body of one that nobody holds, and the events would end without a word.
 */
export async function* parsedEvents(
  response: Response,
  onBytes: () => void,
): AsyncGenerator<object> {
  if (response.body === null) return;
  for await (const { event, id, data } of readEvents(response.body, onBytes)) {
    yield { event, id, body: JSON.parse(data) as unknown };
  }
}

/**
 * Reads `text/event-stream` (https://html.spec.whatwg.org/multipage/server-sent-events.html). Comments and `retry` are
 * passed over; a piece that ends in the middle of an event is none. Whoever stops reading cancels the body.
 */
async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<ServerSentEvent> {
  let id: string | null = null;
  let event = "";
  let lines: string[] = [];
  for await (const line of readLines(body, onBytes)) {
    const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/u.exec(line) ?? [];
    if (line === "") {
      if (lines.length > 0) yield { event: event || "message", id, data: lines.join("\n") };
      event = "";
      lines = [];
    } else if (field === "data") lines.push(value);
    else if (field === "event") event = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  }
}

/** Lines without their ends, which may be LF, CRLF or CR, also in two pieces. */
async function* readLines(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<string> {
  let rest = "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      onBytes();
      // A CR at the end may be half of a line's end.
      const lines = (rest + decoder.decode(read.value, { stream: true })).split(/\r\n|\n|\r(?!$)/u);
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
