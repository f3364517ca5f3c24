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

/**
 * Sends so many wrong tokens as requests, from these addresses of this machine, as fast as it can: each connection
 * writes all of its requests at once and counts what comes back.
 */
export async function floodWith(
  count: number,
  { port, prefixes }: Target,
  addresses: readonly string[],
): Promise<Flood> {
  const statuses = new Map<string, number>();
  const startedMs = performance.now();
  const share = Math.ceil(count / addresses.length);
  await Promise.all(
    addresses.map(
      (localAddress, place) =>
        new Promise<void>((done, failed) => {
          const tcp = connect({ host: "127.0.0.1", port, localAddress });
          let rest = "";
          let answered = 0;
          tcp.setEncoding("latin1");
          tcp.on("data", (text: string) => {
            const heads = (rest + text).split("HTTP/1.1 ");
            rest = heads.pop() ?? "";
            if (rest.length >= 3) {
              heads.push(rest);
              rest = "";
            }
            for (const head of heads) {
              if (!/^\d{3} /u.test(head)) continue;
              const status = head.slice(0, 3);
              statuses.set(status, (statuses.get(status) ?? 0) + 1);
              answered += 1;
            }
            if (answered >= share) tcp.end();
          });
          tcp.on("error", failed);
          tcp.on("close", () => done());
          for (let index = 0; index < share; index += 1) {
            const token = wrongToken(index * addresses.length + place, prefixes);
            tcp.write(
              `GET /api/v1/me HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`,
            );
          }
        }),
    ),
  );
  return { statuses, durationMs: performance.now() - startedMs };
}
