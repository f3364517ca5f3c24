import { exportSPKI, importJWK } from "jose";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createSignIn, type SignIn } from "../extensions/sign-in.ts";
import { createUser } from "../persistence/accounts.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import {
  AUDIENCE,
  createSigningKey,
  ISSUER,
  signJwt,
  startKeySet,
  type KeySetServer,
  type SigningKey,
} from "./support/host-application.ts";
import { startTestNode } from "./support/node.ts";
import { createTenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { connectWire } from "./support/wire-client.ts";

const email = "ann@example.com";
let database: TestDatabase;
let keySet: KeySetServer;
let first: SigningKey;
let second: SigningKey;

beforeAll(async () => {
  database = await createTestDatabase();
  await createUser(database.sql, { email, name: "Ann" });
  first = await createSigningKey("first", "RS256");
  second = await createSigningKey("second", "ES256");
  keySet = await startKeySet([first.jwk]);
});
beforeEach(() => {
  keySet.keys = [first.jwk];
  keySet.asked = 0;
});
afterAll(async () => {
  await keySet.close();
  await database.close();
});

const signInBy = (url: string, cooldownMs?: number): SignIn =>
  createSignIn({
    sql: database.sql,
    logger: pino({ level: "silent" }),
    guard: { attempt: (_presentation, look) => look() },
    jwt: {
      keys: {
        kind: "key-set",
        url: new URL(url),
        ...(cooldownMs !== undefined && { cooldownMs }),
      },
      issuer: ISSUER,
      audience: AUDIENCE,
      createsUsers: false,
    },
  });

/** How a sign-in ends: the kind of principal, or the code of the refusal. */
async function outcome(signIn: SignIn, token: string): Promise<string> {
  try {
    return (await signIn.principal(token, "")).kind;
  } catch (error) {
    if (error instanceof ScriptoriumError) return error.code;
    throw error;
  }
}

describe("a key set", () => {
  test.each(["RS256", "ES256", "EdDSA"])("checks %s, and is fetched once for many", async (alg) => {
    const key = await createSigningKey(alg, alg);
    keySet.keys = [first.jwk, key.jwk];
    const signIn = signInBy(keySet.url);
    const token = await key.sign({ email });
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(signIn, token)));
    expect(new Set(outcomes)).toEqual(new Set(["jwt"]));
    expect(keySet.asked).toBe(1);
  });

  test.each(["PS256", "ES384"])("refuses %s, which is not agreed on", async (alg) => {
    const key = await createSigningKey(alg, alg);
    keySet.keys = [key.jwk];
    expect(await outcome(signInBy(keySet.url), await key.sign({ email }))).toBe("unauthenticated");
  });

  test("its public key is no secret: HS256 with it is refused", async () => {
    const publicKey = await importJWK({ ...first.jwk, ext: true }, "RS256");
    if (publicKey instanceof Uint8Array) throw new Error("a public key was expected");
    const secrets = [await exportSPKI(publicKey), JSON.stringify(first.jwk), first.jwk.n ?? ""];
    const signIn = signInBy(keySet.url);
    expect(await outcome(signIn, await first.sign({ email }))).toBe("jwt");
    for (const secret of secrets) {
      expect(await outcome(signIn, await signJwt({ email }, { secret }))).toBe("unauthenticated");
    }
  });

  test("a key of the right id and the wrong owner is refused", async () => {
    const forger = await createSigningKey("first", "RS256");
    expect(await outcome(signInBy(keySet.url), await forger.sign({ email }))).toBe(
      "unauthenticated",
    );
  });
});

describe("rotation", () => {
  test("a new key is good at once, a removed one no longer", async () => {
    const signIn = signInBy(keySet.url, 0);
    const [old, fresh] = [await first.sign({ email }), await second.sign({ email })];
    expect(await outcome(signIn, old)).toBe("jwt");
    expect(await outcome(signIn, fresh)).toBe("unauthenticated");
    keySet.keys = [first.jwk, second.jwk];
    expect(await outcome(signIn, fresh)).toBe("jwt");
    expect(await outcome(signIn, old)).toBe("jwt");
    keySet.keys = [second.jwk];
    // Somebody names a key that is not there: the set is read again.
    expect(await outcome(signIn, await first.sign({ email }, { kid: "x" }))).toBe(
      "unauthenticated",
    );
    expect(await outcome(signIn, old)).toBe("unauthenticated");
    expect(await outcome(signIn, fresh)).toBe("jwt");
  });

  test("invented key ids do not make the server ask without end", async () => {
    const signIn = signInBy(keySet.url);
    expect(await outcome(signIn, await first.sign({ email }))).toBe("jwt");
    for (let attempt = 0; attempt < 20; attempt++) {
      const token = await second.sign({ email }, { kid: `invented-${attempt}` });
      expect(await outcome(signIn, token)).toBe("unauthenticated");
    }
    expect(keySet.asked).toBe(1);
  });
});

describe("a key set that cannot be had", () => {
  test("is no fault of the token: come back, and then it works", async () => {
    keySet.keys = null;
    const signIn = signInBy(keySet.url);
    const token = await first.sign({ email });
    const outcomes = [];
    for (let attempt = 0; attempt < 20; attempt++) outcomes.push(await outcome(signIn, token));
    expect(new Set(outcomes)).toEqual(new Set(["storage_unavailable"]));
    expect(keySet.asked).toBe(1);
    keySet.keys = [first.jwk];
    await until(async () => (await outcome(signIn, token)) === "jwt");
  });

  test("nobody listens, or it is no key set: the same", async () => {
    const token = await first.sign({ email });
    const gone = await startKeySet([]);
    await gone.close();
    expect(await outcome(signInBy(gone.url), token)).toBe("storage_unavailable");
    const health = await startTestNode(database);
    const other = `http://127.0.0.1:${health.port}/healthz`;
    expect(await outcome(signInBy(other), token)).toBe("storage_unavailable");
    await health.close();
  });

  test("sockets are told 4503, not that they are refused; requests get a 503", async () => {
    keySet.keys = null;
    const node = await startTestNode(database, {
      JWKS_URL: keySet.url,
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
    });
    const { name } = await (await createTenant(database.sql)).document();
    const token = await first.sign({ email });
    const client = connectWire({ url: node.url, name, token });
    expect(await client.untilClosed()).toEqual({ code: 4503, reason: "storage_unavailable" });
    expect(client.denied).toBeNull();
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`http://127.0.0.1:${node.port}/api/v1/me`, { headers });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"]);
    await node.close();
  });
});
