import { expect, test } from "vitest";
import { type Collaboration, createCollaboration } from "../client/index.ts";
import { type Edit, Oracle, tokenOf } from "./support/oracle.ts";
import { faultsInDatabase, TEXT, untilServerForgotten } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { type ServerProcess } from "./support/server-process.ts";
import { useServers } from "./support/servers.ts";
import { sized } from "./support/size.ts";
import { useTenant } from "./support/tenant.ts";
import { openTypist, typeSteadily } from "./support/typist.ts";
import { until } from "./support/until.ts";

const ROUNDS = sized(3, 50);
const OFFLINE_EDITS = 100;

/** Above every number a typist of this file gets. */
const FIRST_WRITER = 1_000_000;

const { database, tenant } = await useTenant();
const random = createRandom();
const startServer = useServers();

/** Edits at random places, some of them deletions of what was written before. */
function editOffline({ document }: Collaboration, writer: number): Edit[] {
  const text = document.getText(TEXT);
  return Array.from({ length: OFFLINE_EDITS }, (_, number): Edit => {
    const token = tokenOf(writer, number);
    const present = text.toJSON();
    const old = number % 5 === 4 ? tokenOf(writer, number - 2) : "";
    if (old !== "" && present.includes(old)) {
      text.delete(present.indexOf(old), old.length);
      return { kind: "delete", token: old };
    }
    // Only where a token ends, so that none is torn.
    const ends = [0, ...[...present.matchAll(/>/gu)].map(({ index }) => index + 1)];
    text.insert(ends[Math.floor(random() * ends.length)] ?? 0, token);
    return { kind: "insert", token };
  });
}

/** Kills in the same turn in which the client learns that it is saved. */
function killAtFirstSaved(collaboration: Collaboration, server: ServerProcess): Promise<void> {
  return new Promise((killed, failed) => {
    collaboration.on("status", (status) => {
      if (status === "saved") server.end("SIGKILL").then(() => killed(), failed);
    });
    collaboration.reconnect();
  });
}

test("[L1 T3] 100 offline edits, reconnect, kill at the first saved: all of them are there", async () => {
  const oracle = new Oracle();
  const { documentId } = await tenant.document();
  for (let round = 0; round < ROUNDS; round += 1) {
    const server = await startServer({ env: database.env });
    const options = { url: server.url, documentId, token: tenant.token };
    const typist = await openTypist({ ...options, oracle, random });
    const collaboration = createCollaboration(options);
    await until(() => collaboration.status === "saved");
    collaboration.disconnect();
    const edits = editOffline(collaboration, FIRST_WRITER + round);
    for (const edit of edits) oracle.sent(documentId, edit);
    // Somebody else's commits are under way when it comes back.
    const stopTyping = typeSteadily([typist], { perSecond: 200, random });

    await killAtFirstSaved(collaboration, server);
    for (const edit of edits) oracle.saved(documentId, edit);
    stopTyping();
    await Promise.all([collaboration.close(), typist.destroy()]);
    await untilServerForgotten(database.sql);
    expect(await faultsInDatabase(database.sql, oracle), `round ${round}`).toEqual([]);
  }
});

test("[L1 T3] edits made while the socket comes and goes: what saved() promised is there", async () => {
  const oracle = new Oracle();
  const { documentId } = await tenant.document();
  for (let round = 0; round < ROUNDS; round += 1) {
    const server = await startServer({ env: database.env });
    const { url } = server;
    const collaboration = createCollaboration({ url, documentId, token: tenant.token });
    const ends: Promise<void>[] = [];
    const write = (number: number): Promise<void> => {
      const edit: Edit = { kind: "insert", token: tokenOf(FIRST_WRITER + round, number) };
      collaboration.document.getText(TEXT).insert(0, edit.token);
      oracle.sent(documentId, edit);
      const note = (): void => oracle.saved(documentId, edit);
      const end = collaboration.saved().then(note, () => {});
      ends.push(end);
      return end;
    };
    for (let number = 0; number < OFFLINE_EDITS; number += 1) {
      write(number).catch(() => {});
      if (random() < 0.1) collaboration.disconnect();
      else if (random() < 0.3) collaboration.reconnect();
      await new Promise((later) => setTimeout(later, random() * 10));
    }
    const last = write(OFFLINE_EDITS);
    collaboration.reconnect();
    await last;
    await server.end("SIGKILL");
    await collaboration.close();
    await Promise.all(ends);
    await untilServerForgotten(database.sql);
    expect(await faultsInDatabase(database.sql, oracle), `round ${round}`).toEqual([]);
  }
});
