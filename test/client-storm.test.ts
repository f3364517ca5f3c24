import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { NAME, type, untilStatus, useClientFixture } from "./support/client-fixture.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";

const fixture = useClientFixture();

test("in a storm of lost sockets, nothing is called saved that a kill would lose", async () => {
  const random = createRandom();
  const someTurns = async (most: number): Promise<void> => {
    for (let turns = Math.floor(random() * most); turns > 0; turns -= 1) await turn();
  };
  // A slow token: edits made meanwhile leave before the first sync.
  const token = async (): Promise<string> => {
    await someTurns(30);
    return "token";
  };
  const collaboration = fixture.collaborate({ token, flushDelayMs: random() < 0.5 ? 2 : 0 });
  await untilStatus(collaboration, "saved");
  fixture.server.acks = "hold";
  const told: Promise<void>[] = [];
  const early: string[] = [];
  let toldInTheStorm = 0;
  const steps: (() => void)[] = [
    () => fixture.server.release({ count: 1 }),
    () => fixture.server.release({ count: 3 }),
    () => fixture.server.terminateSockets(),
    () => collaboration.disconnect(),
    () => collaboration.reconnect(),
  ];
  const edit = (): void => {
    const mark = `<${told.length}>`;
    type(collaboration, mark);
    told.push(
      collaboration.saved().then(() => {
        toldInTheStorm += 1;
        if (!fixture.server.durableText.includes(mark)) early.push(mark);
      }),
    );
  };

  for (let step = 0; step < sized(400, 20_000); step += 1) {
    if (random() < 0.4) edit();
    else steps[Math.floor(random() * steps.length)]?.();
    await someTurns(20);
    const text = collaboration.document.getText("diagram").toJSON();
    if (collaboration.status === "saved" && fixture.server.durableText !== text) {
      early.push("status");
    }
  }
  // Else every promise was kept in the calm after it, where nothing can go wrong.
  expect(toldInTheStorm).toBeGreaterThan(20);

  collaboration.reconnect();
  while (collaboration.status !== "saved") {
    fixture.server.release();
    await turn();
  }
  await Promise.all(told);
  expect([early, told.length > 50]).toEqual([[], true]);
  expect(fixture.server.text(NAME)).toBe(collaboration.document.getText("diagram").toJSON());
});
