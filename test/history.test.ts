import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { packHistory, unpackHistory, type LoggedUpdate } from "../persistence/history.ts";
import { keystrokeRows } from "./support/log-rows.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";

const random = createRandom();
const upTo = (limit: number): number => Math.floor(random() * limit);

const AUTHORS = [
  { userId: null, agentId: null },
  { userId: randomUUID(), agentId: null },
  { userId: randomUUID(), agentId: randomUUID() },
  { userId: null, agentId: randomUUID() },
];

function randomPauseMs(): number {
  const kind = random();
  if (kind < 0.05) return upTo(90 * 86_400_000);
  return kind < 0.1 ? -upTo(5000) : upTo(2000);
}

/** Rows as the log may hold them: empty and long updates, several authors, pauses of months, clocks set back. */
function randomRows(count: number): LoggedUpdate[] {
  let createdAtMs = Date.UTC(2026, upTo(12), 1 + upTo(28)) + upTo(86_400_000);
  const firstSeq = 1 + upTo(2 ** 40);
  return Array.from({ length: count }, (_, index) => {
    createdAtMs += randomPauseMs();
    return {
      seq: firstSeq + index,
      update: Buffer.from(
        Array.from({ length: random() < 0.02 ? upTo(5000) : upTo(60) }, () => upTo(256)),
      ),
      author: AUTHORS[upTo(AUTHORS.length)] ?? { userId: null, agentId: null },
      createdAtMs,
    };
  });
}

const comparable = (rows: readonly LoggedUpdate[]) =>
  rows.map(({ seq, update, author }) => [seq, Buffer.from(update).toString("base64"), author]);

test("[C3] a packed chunk gives back every row with its seq, its author and its time to the second", () => {
  const rounds = sized(60, 3000);
  for (let round = 0; round < rounds; round += 1) {
    const rows = randomRows(1 + upTo(1000));
    const back = unpackHistory(packHistory(rows));
    expect(comparable(back)).toEqual(comparable(rows));
    const late = back.map((row, index) => (rows[index]?.createdAtMs ?? 0) - row.createdAtMs);
    // Floored to the second: never later than it was, never a second too early.
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThan(1000);
  }
});

test("[C3] keystrokes shrink to a fifth of their bytes or less", () => {
  const rows = keystrokeRows(1000).map((update, index) => ({
    seq: index + 1,
    update,
    author: AUTHORS[1] ?? { userId: null, agentId: null },
    createdAtMs: 1_700_000_000_000 + index * 200,
  }));
  const raw = rows.reduce((sum, { update }) => sum + update.length, 0);
  expect(packHistory(rows).length).toBeLessThan(raw / 5);
});
