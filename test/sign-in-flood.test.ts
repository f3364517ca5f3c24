import { randomBytes } from "node:crypto";
import { hash } from "@node-rs/bcrypt";
import { describe, expect, test } from "vitest";
import { SCRIPT } from "../persistence/activities.ts";
import { createSignInLink } from "../persistence/sign-in-links.ts";
import { listActivities } from "../persistence/list-activities.ts";
import { SECRET_ENVIRONMENT, signJwt } from "./support/host-application.ts";
import { askFrom, openFrom } from "./support/from-address.ts";
import { useRest } from "./support/rest.ts";
import { keyOf, signedIn } from "./support/roles.ts";
import { wrongToken } from "./support/wrong-tokens.ts";

const FAILURES = 30;

const { rest, tenant } = await useRest({
  ...SECRET_ENVIRONMENT,
  SIGN_IN_FAILURES_PER_MINUTE: String(FAILURES),
});
const { port } = rest.node;
const url = `ws://127.0.0.1:${port}/collaboration`;
const ask = (address: string, token: string) => askFrom(address, port, { token });
const statusOf = async (address: string, token: string) => (await ask(address, token)).status;
const prefixOf = (token: string): string => token.split(".")[0] ?? "";
const guess = (prefix: string): string => `${prefix}.${randomBytes(32).toString("base64url")}`;

/** Sends wrong tokens of all kinds until one is turned away unseen. */
async function exhaust(address: string): Promise<void> {
  for (let index = 0; index < 2 * FAILURES; index += 1) {
    if ((await statusOf(address, wrongToken(index, ["skunknown0"]))) === 429) return;
  }
  throw new Error("nothing was turned away");
}

describe("[A4] an address that sends wrong tokens", () => {
  test("is turned away after so many, with a time to come back; another is not", async () => {
    await exhaust("127.0.0.2");
    const { status, code, retryAfter } = await ask("127.0.0.2", guess("sk00"));
    expect([status, code]).toEqual([429, "too_many_requests"]);
    expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
    expect(await statusOf("127.0.0.3", guess("sk00"))).toBe(401);
    expect(await statusOf("127.0.0.3", tenant.token)).toBe(200);
  });

  test("does not keep those out whose tokens were good, by whatever door", async () => {
    const { name } = await tenant.document();
    const [user] = await rest.sql<
      { email: string }[]
    >`select email from users where id = ${tenant.userId}`;
    const tokens = [
      (await signedIn(rest.sql, tenant, { member: "member" })).token,
      (await keyOf(rest.sql, tenant)).token,
      await signJwt({ email: user?.email }),
    ];
    for (const token of tokens) expect(await statusOf("127.0.0.4", token)).toBe(200);
    await exhaust("127.0.0.5");
    for (const token of tokens) {
      expect(await statusOf("127.0.0.5", token)).toBe(200);
      expect(await openFrom("127.0.0.5", url, { name, token })).toBeNull();
    }
  });

  test("is turned away at every door: sockets, links, tokens that nobody has seen", async () => {
    const { name } = await tenant.document();
    const { userId, token } = await signedIn(rest.sql, tenant, { member: "member" });
    const expiresAt = new Date(Date.now() + 60_000);
    const link = await createSignInLink(rest.sql, { userId, expiresAt }, SCRIPT);
    await exhaust("127.0.0.6");
    expect(await statusOf("127.0.0.6", token)).toBe(429);
    expect(await openFrom("127.0.0.6", url, { name, token })).toBe(4429);
    expect((await askFrom("127.0.0.6", port, { link })).status).toBe(429);
    // The link was not used up.
    expect((await askFrom("127.0.0.7", port, { link })).status).toBe(201);
  });

  test("by links alone, and by sockets alone", async () => {
    const { name } = await tenant.document();
    for (let index = 0; index < FAILURES + 1; index += 1) {
      await askFrom("127.0.0.8", port, { link: randomBytes(32).toString("base64url") });
      await openFrom("127.0.0.9", url, { name, token: guess("sk00") });
    }
    for (const address of ["127.0.0.8", "127.0.0.9"]) {
      expect(await statusOf(address, guess("sk00"))).toBe(429);
    }
  });

  test("and good tokens are not counted, however many", async () => {
    for (let index = 0; index < 2 * FAILURES; index += 1) {
      expect(await statusOf("127.0.0.10", tenant.token)).toBe(200);
    }
    const { token } = await signedIn(rest.sql, tenant, { member: "member" });
    expect(await statusOf("127.0.0.10", token)).toBe(200);
  });
});

describe("[A4] wrong secrets of a right prefix", () => {
  test("cost few comparisons, and neither its holder nor anybody else has to wait", async () => {
    const held = await keyOf(rest.sql, tenant);
    const fresh = await keyOf(rest.sql, tenant);
    expect(await statusOf("127.0.1.1", held.token)).toBe(200);
    const guesses = Array.from({ length: 240 }, (_, index) =>
      statusOf(`127.0.2.${1 + (index % 24)}`, guess(prefixOf(held.token))),
    );
    const honest = await Promise.all([
      statusOf("127.0.1.2", held.token),
      statusOf("127.0.1.3", fresh.token),
      statusOf("127.0.1.4", tenant.token),
    ]);
    expect(honest).toEqual([200, 200, 200]);
    const answers = await Promise.all(guesses);
    const looked = answers.filter((status) => status === 401).length;
    expect(new Set(answers)).toEqual(new Set([401, 429]));
    expect(looked).toBeGreaterThanOrEqual(10);
    // Twenty, and two a second.
    expect(looked).toBeLessThan(60);
    expect(await statusOf("127.0.1.2", held.token)).toBe(200);
  });

  test("do not displace what is remembered, nor what is remembered a key that has ended", async () => {
    const { token, keyId } = await keyOf(rest.sql, tenant);
    expect(await statusOf("127.0.1.5", token)).toBe(200);
    // Right by what is remembered, wrong by the row.
    const other = await hash(guess("sk00"), 4);
    await rest.sql`update api_keys set key_hash = ${other} where id = ${keyId}`;
    expect(await statusOf("127.0.1.5", token)).toBe(401);
  });
});

test("[A4] a flood writes few rows into the audit log, and they say whose key was guessed at", async () => {
  const { token, keyId } = await keyOf(rest.sql, tenant);
  for (let round = 0; round < 8; round += 1) {
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        statusOf(`127.1.${index}.1`, index < 5 ? guess(prefixOf(token)) : guess("sk00")),
      ),
    );
  }
  // It writes what it has gathered.
  await rest.node.close();
  const rows = (await listActivities(rest.sql, { userId: null, limit: 1000 })).filter(
    ({ action }) => action === "sign_in_failed",
  );
  expect(rows.length).toBeGreaterThan(1);
  expect(rows.length).toBeLessThanOrEqual(24);
  const guessed = rows.filter(({ entityId }) => entityId === keyId);
  for (const { metadata, place } of guessed) {
    expect(place).not.toBe("");
    expect(metadata).toMatchObject({
      via: "key",
      network: expect.stringMatching(/^127\.1\..*\.0\/24$/u),
    });
  }
  const total = rows.reduce((sum, { metadata }) => sum + Number(metadata["count"]), 0);
  expect(total).toBeGreaterThan(300);
});
