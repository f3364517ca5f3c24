import { expect, test, vi } from "vitest";
import { createAgentPresence } from "../extensions/agent-presence.ts";

test("an agent is seen for half a minute after it said last that it works", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const presence = createAgentPresence({ live: () => undefined });
    const agent = { userId: "u", agentId: "a", name: "Reader", sectionId: null };
    const where = () => presence.working("d").map(({ agentId, sectionId }) => [agentId, sectionId]);
    presence.announce("d", agent);
    await vi.advanceTimersByTimeAsync(20_000);
    presence.announce("d", { ...agent, sectionId: "s" });
    presence.announce("d", { ...agent, agentId: "b" });
    await vi.advanceTimersByTimeAsync(29_000);
    expect(where()).toEqual([
      ["a", "s"],
      ["b", null],
    ]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(where()).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});
