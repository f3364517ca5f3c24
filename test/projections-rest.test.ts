import { expect, test } from "vitest";
import { Projections } from "../extensions/projections.ts";
import type { ProjectionResult } from "../persistence/projection.ts";
import { until } from "./support/until.ts";

/** A thread in which a projection is over when the test says so. */
function slowThread(tookMs: number) {
  const asked: { documentId: string; beganMs: number; end: () => void }[] = [];
  const project = (documentId: string): Promise<ProjectionResult> =>
    new Promise((resolve) => {
      const result = { outcome: "projected", seq: 1, hasEdits: false, rung: [], tookMs } as const;
      asked.push({ documentId, beganMs: performance.now(), end: () => resolve(result) });
    });
  const projections = new Projections({ project, onProjected: () => {}, begin: () => {} });
  return { asked, projections };
}

test("[P2] of one document one projection waits or runs, and those asked for meanwhile are one", async () => {
  const { asked, projections } = slowThread(0);
  const first = projections.project("a");
  const others = Array.from({ length: 20 }, () => projections.project("a"));
  const other = projections.project("b");
  await Promise.all(others);
  expect(asked.map(({ documentId }) => documentId)).toEqual(["a", "b"]);
  asked[0]?.end();
  asked[1]?.end();
  await Promise.all([first, other]);
  await until(() => asked.length === 3);
  asked[2]?.end();
  projections.close();
  expect(asked.map(({ documentId }) => documentId)).toEqual(["a", "b", "a"]);
});

test("[P2] a large document rests three times as long as its projection took", async () => {
  const { asked, projections } = slowThread(100);
  const first = projections.project("a");
  asked[0]?.end();
  await first;
  const endedMs = performance.now();
  await projections.project("a");
  expect(asked.length).toBe(1);
  await until(() => asked.length === 2);
  expect((asked[1]?.beganMs ?? 0) - endedMs).toBeGreaterThan(290);
  projections.close();
});
