import { connect } from "node:net";
import { randomBytes } from "node:crypto";

/** Whom a guesser guesses at. */
type Target = { readonly port: number; readonly prefixes: readonly string[] };

const random = (length: number): string =>
  randomBytes(length).toString("base64url").slice(0, length);

/** Wrong tokens of every kind, in turn: right prefixes, wrong prefixes, JWTs, sessions, and all as long as may be. */
export function wrongToken(index: number, prefixes: readonly string[]): string {
  const kinds = [
    () => `${prefixes[index % prefixes.length] ?? "none"}.${random(43)}`,
    () => `sk${randomBytes(5).toString("hex")}.${random(43)}`,
    () => `eyJhbGciOiJIUzI1NiJ9.${random(200)}.${random(43)}`,
    () => random(43),
    () => random(8192),
  ];
  return (kinds[index % kinds.length] ?? random)(43);
}

/** What came back: how many answers of each status, and how long it took. */
export type Flood = { readonly statuses: Map<string, number>; readonly durationMs: number };

const CONNECTIONS_PER_ADDRESS = 5;

/**
 * Sends so many wrong tokens as requests from these addresses of this machine, as fast as they are answered; `ahead` of
 * a connection are on their way at a time.
 */
export async function floodWith(
  count: number,
  { port, prefixes }: Target,
  { addresses, ahead }: { readonly addresses: readonly string[]; readonly ahead: number },
): Promise<Flood> {
  const statuses = new Map<string, number>();
  const startedMs = performance.now();
  let sent = 0;
  const next = (): string | null =>
    sent < count ? requestWith(wrongToken(sent++, prefixes)) : null;
  const answered = (status: string): void => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  await Promise.all(
    addresses.flatMap((localAddress) =>
      Array.from({ length: CONNECTIONS_PER_ADDRESS }, () =>
        sendAhead({ port, localAddress, ahead }, next, answered),
      ),
    ),
  );
  return { statuses, durationMs: performance.now() - startedMs };
}

const requestWith = (token: string): string =>
  `GET /api/v1/me HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`;

const STATUS = /HTTP\/1\.1 (?<status>\d{3})/gu;

/** Sends some requests, then the next with each head of an answer; until there is none. */
function sendAhead(
  { ahead, ...to }: { port: number; localAddress: string; ahead: number },
  next: () => string | null,
  answered: (status: string) => void,
): Promise<void> {
  const tcp = connect({ host: "127.0.0.1", ...to }).setEncoding("latin1");
  let waiting = 0;
  let unread = "";
  const send = (): void => {
    const request = next();
    if (request !== null) {
      tcp.write(request);
      waiting += 1;
    } else if (waiting === 0) tcp.end();
  };
  tcp.on("data", (text: string) => {
    unread += text;
    let read = 0;
    for (const { groups, index } of unread.matchAll(STATUS)) {
      read = index + 1;
      waiting -= 1;
      answered(groups?.["status"] ?? "");
      send();
    }
    // The beginning of the next answer may have come already, up to the middle of its status.
    unread = unread.slice(Math.max(read, unread.length - 12));
  });
  for (let sent = 0; sent < ahead; sent += 1) send();
  return new Promise((done, failed) => {
    tcp.on("error", failed);
    tcp.on("close", () => done());
  });
}
