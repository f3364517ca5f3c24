import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { useRest } from "./support/rest.ts";

const { rest, tenant } = await useRest();
const { documentId } = await tenant.document();

const HEAD = `Host: localhost\r\nAuthorization: Bearer ${tenant.token}\r\n`;
const CONTENT = `/api/v1/documents/${documentId}/content`;
const JSON_TYPE = "Content-Type: application/json\r\n";
const RENAME = `PATCH /api/v1/me HTTP/1.1\r\n${HEAD}${JSON_TYPE}`;

/** Hidden behind another request: it must be read as its body, or not at all. */
const HIDDEN = `DELETE /api/v1/documents/${documentId} HTTP/1.1\r\n${HEAD}\r\n`;

/** Sends bytes as they are and answers all that comes back until the connection is closed. */
function converse(sent: string | Buffer, isAll = true): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(rest.node.port, "127.0.0.1");
    let heard = "";
    socket.on("data", (chunk) => {
      heard += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.once("close", () => resolve(heard));
    socket.write(sent);
    // A half-open connection is one that has said everything; Node gives up what is unanswered then.
    if (isAll) socket.end();
  });
}

const statusesIn = (heard: string): number[] =>
  [...heard.matchAll(/HTTP\/1\.1 (?<status>\d{3})/gmu)].map(({ groups }) =>
    Number(groups?.["status"]),
  );

afterEach(async () => {
  const headers = { authorization: `Bearer ${tenant.token}` };
  const answers = await Promise.all([
    rest.fetch("/readyz"),
    rest.fetch(`/api/v1/documents/${documentId}`, { headers }),
    rest.fetch("/api/v1/me", { headers }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(await answers[2]?.json()).toMatchObject({ user: { name: "Test" } });
});

const chunked = `${RENAME}Transfer-Encoding: chunked\r\n\r\n`;

/** What comes back: nothing but these statuses; an empty list: the connection is closed without a word. */
const GARBAGE: readonly (readonly [what: string, sent: string | Buffer, allowed: number[]])[] = [
  ["no HTTP", "hello\r\n\r\n", [400]],
  ["TLS", Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]), [400]],
  ["NULs", Buffer.alloc(2000), [400]],
  ["HTTP/9.9", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", [400, 505]],
  ["no host", "GET /healthz HTTP/1.1\r\n\r\n", [400]],
  ["two hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", [200, 400]],
  ["a host that is none", 'GET /api/v1/me HTTP/1.1\r\nHost: a b/\\"<>\r\n\r\n', [400, 401]],
  [
    "an absolute address",
    `GET http://other.invalid/healthz HTTP/1.1\r\n${HEAD}\r\n`,
    [200, 400, 404],
  ],
  ["CONNECT", "CONNECT other.invalid:80 HTTP/1.1\r\nHost: x\r\n\r\n", []],
  ["TRACE", `TRACE ${CONTENT} HTTP/1.1\r\n${HEAD}\r\n`, [400, 404, 405]],
  ["a path of 100 kB", `GET /${"x".repeat(100_000)} HTTP/1.1\r\n${HEAD}\r\n`, [431]],
  ["a header of 100 kB", `GET / HTTP/1.1\r\n${HEAD}X: ${"x".repeat(100_000)}\r\n\r\n`, [431]],
  ["5,000 headers", `GET / HTTP/1.1\r\n${HEAD}${"X: y\r\n".repeat(5000)}\r\n`, [200, 431]],
  ["a name with a space", `GET / HTTP/1.1\r\n${HEAD}X : y\r\n\r\n`, [400]],
  ["a folded header", `GET / HTTP/1.1\r\n${HEAD}X: y\r\n Y: z\r\n\r\n`, [400]],
  ["a NUL in a header", `GET / HTTP/1.1\r\n${HEAD}X: y\0z\r\n\r\n`, [400]],
  ["a lone line feed", `GET / HTTP/1.1\n${HEAD.replaceAll("\r", "")}\n`, [200, 400]],
  ["a length that is none", `${RENAME}Content-Length: 1e3\r\n\r\n{}`, [400]],
  ["a negative length", `${RENAME}Content-Length: -1\r\n\r\n{}`, [400]],
  ["a length beyond all", `${RENAME}Content-Length: 99999999999999999999\r\n\r\n{}`, [400]],
  ["a length that is too long", `${RENAME}Content-Length: 4000\r\n\r\n{"name":"Gone"`, [400]],
  ["a chunk that is none", `${chunked}zz\r\n{"name":"Gone"}\r\n0\r\n\r\n`, [400]],
  ["a chunk size beyond all", `${chunked}ffffffffffffffff1\r\n{}\r\n0\r\n\r\n`, [400]],
  ["a negative chunk", `${chunked}-1\r\n{}\r\n0\r\n\r\n`, [400]],
  ["a chunk without its end", `${chunked}2\r\n{}garbage\r\n0\r\n\r\n`, [400]],
  ["an extension of 100 kB", `${chunked}2;${"x".repeat(100_000)}\r\n{}\r\n0\r\n\r\n`, [400, 413]],
  ["chunks that never end", `${chunked}10\r\n{"name":"Gone"}`, [400]],
  ["an encoding nobody knows", `${RENAME}Transfer-Encoding: xchunked\r\n\r\n${HIDDEN}`, [400]],
];

/** What one reader ends here and another there. Every answer but that of the first request would be the hidden one's. */
const SMUGGLED: readonly (readonly [what: string, sent: string])[] = [
  [
    "a length and chunks",
    `${RENAME}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  ],
  [
    "chunks and a length",
    `${RENAME}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${HIDDEN}`,
  ],
  [
    "two lengths",
    `${RENAME}Content-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  ],
  ["chunked twice", `${RENAME}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  [
    "chunked, then identity",
    `${RENAME}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${HIDDEN}`,
  ],
  [
    "a tab before chunked",
    `${RENAME}Transfer-Encoding:\tchunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${HIDDEN}`,
  ],
  [
    "a space in the name",
    `${RENAME}Transfer-Encoding : chunked\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  ],
];

describe("[T41] what is no request", () => {
  test.each(GARBAGE)("%s", async (_, sent, allowed) => {
    const statuses = statusesIn(await converse(sent));
    expect(statuses.length).toBeLessThanOrEqual(1);
    if (allowed.length > 0) expect(allowed).toContain(statuses[0]);
    else expect(statuses).toEqual([]);
  });

  test.each(SMUGGLED)("nothing is smuggled in: %s", async (_, sent) => {
    expect(statusesIn(await converse(sent))).toEqual([400]);
  });
});

test("hundreds of requests in one packet are not all begun: who does not wait for answers is hung up on", async () => {
  const me = `GET /api/v1/me HTTP/1.1\r\n${HEAD}\r\n`;
  const last = `GET /healthz HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`;
  const ten = statusesIn(await converse(`${me.repeat(9)}${last}`, false));
  expect(ten).toEqual(Array.from({ length: 10 }, () => 200));
  expect(statusesIn(await converse(`${me.repeat(300)}${last}`, false))).toEqual([]);
  const metrics = await (await rest.fetch("/metrics")).text();
  expect(metrics).toContain('scriptorium_limits_reached_total{limit="requests_at_once"} 1\n');
});
