import { expect, test } from "vitest";
import { createSignInsWaiting } from "../extensions/sign-ins-waiting.ts";

test("[L7] who signs in while the database hangs is told after a while, and only so many wait", async () => {
  const waiting = createSignInsWaiting({ most: 2, longestMs: 20 });
  const hung = Promise.withResolvers<string>();
  const first = waiting(() => hung.promise);
  const second = waiting(() => hung.promise);
  const unavailable = { code: "storage_unavailable" };
  expect(() => waiting(() => hung.promise)).toThrow("Too many wait");
  await expect(first).rejects.toMatchObject(unavailable);
  await expect(second).rejects.toMatchObject(unavailable);
  // Told, and still there: the statement may be answered yet.
  expect(() => waiting(() => hung.promise)).toThrow("Too many wait");
  hung.resolve("late");
  await hung.promise;
  await new Promise((turn) => setImmediate(turn));
  expect(await waiting(async () => "in time")).toBe("in time");
});

test("what a sign-in throws is passed on, and frees its place", async () => {
  const waiting = createSignInsWaiting({ most: 1 });
  const refuse = async (): Promise<never> => {
    throw new Error("no");
  };
  await expect(waiting(refuse)).rejects.toThrow("no");
  await expect(waiting(refuse)).rejects.toThrow("no");
});
