/** Type bytes of the messages the proxy looks into (source: PostgreSQL manual, "Message Formats"). */
export const MESSAGE = { parse: 0x50, bind: 0x42, query: 0x51, readyForQuery: 0x5a } as const;

/** A function that takes a chunk of a stream and answers the whole messages it completes, bytes unchanged. */
export type MessageCutter = (chunk: Buffer) => Buffer[];

/**
 * Cuts a stream of PostgreSQL's protocol into messages: a type byte, a length that counts itself, a body.
 * What a client sends first has no type byte.
 */
export function createMessageCutter({ startsUntyped }: { startsUntyped: boolean }): MessageCutter {
  let rest: Buffer = Buffer.alloc(0);
  let typed = !startsUntyped;
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const messages: Buffer[] = [];
    for (;;) {
      const lengthAt = typed ? 1 : 0;
      if (rest.length < lengthAt + 4) return messages;
      const end = lengthAt + rest.readUInt32BE(lengthAt);
      if (rest.length < end) return messages;
      messages.push(rest.subarray(0, end));
      rest = rest.subarray(end);
      typed = true;
    }
  };
}

/** Tells of each Bind or Query the text of the statement it runs; null for other messages. Remembers what was prepared. */
export function createStatementReader(): (message: Buffer) => string | null {
  const texts = new Map<string, string>();
  return (message) => {
    if (message[0] === MESSAGE.parse) {
      const [name, text] = strings(message, 5, 2);
      texts.set(name ?? "", text ?? "");
    }
    if (message[0] === MESSAGE.query) return strings(message, 5, 1)[0] ?? null;
    if (message[0] !== MESSAGE.bind) return null;
    // A Bind names its portal first, then the statement.
    return texts.get(strings(message, 5, 2)[1] ?? "") ?? null;
  };
}

/** So many strings, each ended by a zero byte. */
function strings(message: Buffer, start: number, count: number): string[] {
  const found: string[] = [];
  let at = start;
  while (found.length < count) {
    const end = message.indexOf(0, at);
    if (end === -1) return found;
    found.push(message.toString("utf8", at, end));
    at = end + 1;
  }
  return found;
}
