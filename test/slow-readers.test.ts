import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { EMPTY_STATE_VECTOR, SYNC, syncFrame } from "../bench/wire.ts";
import { figureOf } from "./support/figures.ts";
import { openRaw, type RawSocket } from "./support/raw-socket.ts";
import type { ServerProcess } from "./support/server-process.ts";
import { useServers } from "./support/servers.ts";
import { nightly, sized } from "./support/size.ts";
import { useTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { readHead } from "./support/log-rows.ts";
import { openWire, type WireClient } from "./support/wire-client.ts";

/** The server is a process of its own: its memory is what is looked at. */
const { database, tenant } = await useTenant();
const startServer = useServers();

const MIB = 1024 * 1024;

/** By night the limit is the server's default. */
const PAUSED = sized(3, 100);
const LIMIT_BYTES = sized(1, 8) * MIB;

/** Below what is tried in a thread first, so that one writer brings 50 MB a second where the machine does. */
const CHUNK = "x".repeat(60_000);

/** He writes for so long before anybody pauses, ms: then the server's threads have started and its heap has its size. */
const WARM_UP_MS = 2000;

/** He writes on when they are gone: what others feel is measured over the whole. */
const WRITES_FOR_MS = sized(0, 20_000);

/** So many frames of his wait for their acknowledgement: half of what a document's backlog may be. */
const FRAMES_AHEAD = 60;

/** The oracle of the catalogue; by day the machine is somebody else's too, and what shows is that nobody stands still. */
const NEIGHBOUR_P99_MS = sized(5000, 250);

const clients: WireClient[] = [];
const sockets: RawSocket[] = [];

afterEach(async () => {
  for (const { ws } of sockets.splice(0)) ws.terminate();
  for (const client of clients.splice(0)) await client.close();
});

async function open(server: ServerProcess, name: string): Promise<WireClient> {
  const client = await openWire({ url: server.url, name, token: tenant.token });
  clients.push(client);
  return client;
}

async function openPaused(server: ServerProcess, name: string): Promise<RawSocket> {
  const socket = await openRaw(server.url);
  sockets.push(socket);
  await socket.open(name, tenant.token);
  socket.ws.pause();
  return socket;
}

const residentBytes = ({ port }: ServerProcess): Promise<number> =>
  figureOf(port, "process_resident_memory_bytes");

const reached = ({ port }: ServerProcess, limit: string): Promise<number> =>
  figureOf(port, `scriptorium_limits_reached_total{limit="${limit}"}`);

/** Types letter after letter until told to stop; answers how long each took to be acknowledged, ms. */
async function typeUntil(client: WireClient, ended: AbortSignal): Promise<number[]> {
  const took: number[] = [];
  while (!ended.aborted) {
    const startedMs = performance.now();
    client.document.getText("diagram").insert(0, "x");
    await client.answered();
    took.push(performance.now() - startedMs);
    await delay(10);
  }
  return took.toSorted((a, b) => a - b);
}

/** Writes as fast as he may, until `isOver`, which is asked now and then. Answers how much, bytes. */
async function write(writer: WireClient, isOver: () => Promise<boolean>): Promise<number> {
  const text = writer.document.getText("diagram");
  let written = 0;
  while (!(await isOver())) {
    for (let chunk = 0; chunk < 20; chunk += 1) {
      text.insert(0, CHUNK);
      text.delete(0, CHUNK.length);
      written += CHUNK.length;
      while (writer.closed === null && writer.sent - writer.accepted > FRAMES_AHEAD) {
        await delay(1);
      }
    }
    expect(writer.closed).toBeNull();
  }
  return written;
}

/** The thread that projects is started by what is written first: it is not measured. */
const untilProjected = (documentId: string): Promise<void> =>
  until(
    async () => {
      const { head, projected } = await readHead(database.sql, { documentId, part: "content" });
      return head > 0 && head === projected;
    },
    { timeoutMs: 30_000, describe: "what was written is projected" },
  );

test(
  "[T31] paused readers while one writes as fast as he can: each is cut off with 4408, everybody else is unaffected",
  { timeout: sized(60_000, 600_000) },
  async () => {
    const server = await startServer({
      env: {
        ...database.env,
        SLOW_READER_BYTES: String(LIMIT_BYTES),
        FRAMES_PER_SECOND: "1000000",
      },
    });
    const { documentId, name } = await tenant.document();
    const [writer, healthy] = [await open(server, name), await open(server, name)];
    const warmAtMs = performance.now() + WARM_UP_MS;
    await write(writer, async () => performance.now() > warmAtMs);
    await untilProjected(documentId);
    const neighbour = await open(server, (await tenant.document()).name);
    const paused: RawSocket[] = [];
    while (paused.length < PAUSED) paused.push(await openPaused(server, name));
    const ended = new AbortController();
    const typing = typeUntil(neighbour, ended.signal);

    const text = writer.document.getText("diagram");
    const before = await residentBytes(server);
    const startedMs = performance.now();
    let most = 0;
    const written = await write(writer, async () => {
      most = Math.max(most, await residentBytes(server));
      const isLongEnough = performance.now() - startedMs > WRITES_FOR_MS;
      return isLongEnough && (await reached(server, "slow_reader")) >= PAUSED;
    });
    const megabytesPerSecond = written / 1000 / (performance.now() - startedMs);
    // Before they read what waited for them: that keeps the test busy, not the server.
    ended.abort();
    const took = await typing;
    const p99 = took[Math.floor(took.length * 0.99)] ?? 0;
    process.stdout.write(
      `${megabytesPerSecond.toFixed(1)} MB/s, ${Math.round((most - before) / MIB)} MiB more, neighbour p99 ${p99.toFixed(0)} ms of ${took.length}\n`,
    );
    expect(took.length).toBeGreaterThan(0);
    expect(p99).toBeLessThan(NEIGHBOUR_P99_MS);
    for (const { ws } of paused) ws.resume();
    for (const socket of paused) await socket.untilClosed();
    const codes = new Set(paused.map(({ closed }) => closed?.code));
    // Who reads what waited for him hears why; who takes longer than two seconds for it, as a hundred here do, does not.
    expect([...codes].filter((code) => code !== 4408 && code !== 1006)).toEqual([]);
    if (!nightly) expect(codes).toContain(4408);
    const cut = `scriptorium_sockets_cut_total{code="slow_reader"}`;
    expect(await figureOf(server.port, cut)).toBe(PAUSED);
    expect(most - before).toBeLessThan(PAUSED * LIMIT_BYTES + 150 * MIB);

    text.insert(0, "the end");
    await writer.answered();
    await until(() => healthy.document.getText("diagram").toJSON() === text.toJSON(), {
      timeoutMs: 30_000,
      describe: "who reads has everything",
    });
    expect([writer, healthy, neighbour].map(({ closed }) => closed)).toEqual([null, null, null]);
  },
);

test(
  "[T32] 10,000 SyncStep1 of one client who does not read: he is cut off, the memory stays",
  { timeout: 60_000 },
  async () => {
    const server = await startServer({ env: database.env });
    const { documentId, name } = await tenant.document();
    const writer = await open(server, name);
    const text = writer.document.getText("diagram");
    for (let chunk = sized(4, 10); chunk > 0; chunk -= 1) {
      text.insert(text.length, "x".repeat(500_000));
      await writer.answered();
    }
    await untilProjected(documentId);
    const neighbour = await open(server, (await tenant.document()).name);
    const greedy = await openPaused(server, name);
    const connections = () => figureOf(server.port, "scriptorium_connections");
    const before = await residentBytes(server);
    for (let count = 0; count < 10_000; count += 1) {
      greedy.send(syncFrame(name, SYNC.step1, EMPTY_STATE_VECTOR));
    }
    let most = before;
    await until(
      async () => {
        most = Math.max(most, await residentBytes(server));
        return (await connections()) === 2;
      },
      { timeoutMs: 30_000, describe: "he is cut off" },
    );
    expect(most - before).toBeLessThan(100 * MIB);
    expect(
      (await reached(server, "asking_per_second")) + (await reached(server, "slow_reader")),
    ).toBe(1);
    greedy.ws.resume();
    expect([1006, 4408, 4429]).toContain((await greedy.untilClosed()).code);
    for (const client of [writer, neighbour]) {
      client.document.getText("diagram").insert(0, "unharmed");
      await client.answered();
      expect([client.closed, client.refused]).toEqual([null, 0]);
    }
  },
);
