import { randomUUID } from "node:crypto";
import { UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOrganization, createUser, setCollaborator } from "../persistence/accounts.ts";
import { SCRIPT } from "../persistence/activities.ts";
import type { Role } from "../schema/roles.ts";
import {
  claimsOf,
  inSeconds,
  SECRET_ENVIRONMENT,
  signJwt,
  type Claims,
} from "./support/host-application.ts";
import { codeOf, startRest, type Rest } from "./support/rest.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { connectWire, openWire } from "./support/wire-client.ts";

let rest: Rest;
let tenant: Tenant;
let slug: string;
const email = "Kim@Example.com";
let userId: string;

beforeAll(async () => {
  rest = await startRest(SECRET_ENVIRONMENT);
  tenant = await createTenant(rest.sql);
  const [row] = await rest.sql<{ slug: string }[]>`
    select slug from organizations where id = ${tenant.organizationId}`;
  slug = row?.slug ?? "";
  // Stored as somebody wrote it: the claim is compared in whatever case.
  userId = await createUser(rest.sql, { email, name: "Kim" });
});
afterAll(() => rest.close());

const socketUrl = () => `ws://127.0.0.1:${rest.node.port}/collaboration`;
const me = (token: string) => rest.client(token).getMe();

/** Opens a document by a socket: true when it may be written, false when only read, else the close code. */
async function openBySocket(name: string, token: string): Promise<boolean | number> {
  const client = connectWire({ url: socketUrl(), name, token });
  const opened = await client.synced().then(
    () => true,
    () => false,
  );
  if (!opened) return (await client.untilClosed()).code;
  client.document.getText("diagram").insert(0, "x");
  await client.answered();
  const written = client.refused === 0;
  await client.close();
  await until(() => rest.node.collaboration.documents.getDocumentsCount() === 0);
  return written;
}

/** The token with one character of a part changed. */
function tampered(token: string, part: number): string {
  const parts = token.split(".");
  const text = parts[part] ?? "";
  const middle = Math.floor(text.length / 2);
  parts[part] = text.slice(0, middle) + (text[middle] === "A" ? "B" : "A") + text.slice(middle + 1);
  return parts.join(".");
}

test("a token of the host application signs in whoever has its e-mail address, in whatever case", async () => {
  const exp = inSeconds(60);
  for (const address of ["kim@example.com", "KIM@EXAMPLE.COM"]) {
    expect((await me(await signJwt({ email: address, exp }))).body).toEqual({
      user: { id: userId, email, name: "Kim" },
      kind: "jwt",
      agentId: null,
      scopes: null,
      organizationId: null,
      projectId: null,
      role: null,
      expiresAt: new Date(exp * 1000).toISOString(),
    });
  }
});

describe("a token is refused", () => {
  test.each<[string, Claims]>([
    ["by another issuer", { iss: "https://other.example.com" }],
    ["without an issuer", { iss: undefined }],
    ["for another audience", { aud: "billing" }],
    ["without an audience", { aud: undefined }],
    ["that has expired", { exp: inSeconds(-10) }],
    ["that never expires", { exp: undefined }],
    ["whose end no calendar has", { exp: Number.MAX_SAFE_INTEGER }],
    ["that is not valid yet", { nbf: inSeconds(60) }],
    ["without a subject", { sub: undefined }],
    ["without an address", { email: undefined }],
    ["whose address is none", { email: "kim" }],
    ["whose address is not text", { email: ["kim@example.com"] }],
    ["whose address holds half a character", { email: "ann\uD800@example.com" }],
    ["whose address nobody has verified", { email_verified: false }],
    ["of somebody who is not known here", { email: "nobody@example.com" }],
    ["of somebody who only looks like a known one", { email: "\u212Aim@example.com" }],
    ["for an organization that is not there", { organization: "nowhere" }],
    ["whose organization is no slug", { organization: null }],
    ["with a role and no organization", { role: "owner" }],
    ["with a role that is none", { organization: "SLUG", role: "admin" }],
  ])("%s", async (_what, claims) => {
    const given = claims["organization"] === "SLUG" ? { ...claims, organization: slug } : claims;
    const token = await signJwt({ email, ...given });
    expect(await codeOf(me(token))).toBe("unauthenticated");
  });

  test("signed with another secret, with another algorithm, by nobody", async () => {
    const wrong = await signJwt(
      { email },
      { secret: "another secret of more than thirty-two bytes" },
    );
    const other = await signJwt({ email }, { alg: "HS512", secret: new Uint8Array(64) });
    const unsigned = new UnsecuredJWT(claimsOf({ email })).encode();
    for (const token of [wrong, other, unsigned, `${unsigned}AAAA`]) {
      expect(await codeOf(me(token))).toBe("unauthenticated");
    }
  });

  test("with any part of it changed", async () => {
    const token = await signJwt({ email });
    await me(token);
    for (const part of [0, 1, 2]) {
      expect(await codeOf(me(tampered(token, part)))).toBe("unauthenticated");
    }
  });

  test("for a deleted organization", async () => {
    const gone = randomUUID();
    const id = await createOrganization(rest.sql, { name: "Gone", slug: gone });
    const token = await signJwt({ email, organization: gone });
    await me(token);
    await rest.sql`update organizations set deleted_at = now() where id = ${id}`;
    expect(await codeOf(me(token))).toBe("unauthenticated");
  });
});

test("a few seconds between the clocks do not matter, an audience may be one of several", async () => {
  const tokens = [
    await signJwt({ email, exp: inSeconds(-2), aud: ["billing", "scriptorium"] }),
    await signJwt({ email, nbf: inSeconds(2) }),
  ];
  for (const token of tokens) expect(await codeOf(me(token))).toBeNull();
});

describe("what a token reaches", () => {
  test.each<[Role, boolean]>([
    ["viewer", false],
    ["reviewer", false],
    ["editor", true],
    ["owner", true],
  ])(
    "[A1 A2] the role %s, in every document of its organization and in no other",
    async (role, mayWrite) => {
      const token = await signJwt({ email, organization: slug, role });
      const stranger = await createTenant(rest.sql);
      const [own, foreign] = [await tenant.document(), await stranger.document()];
      expect(await openBySocket(own.name, token)).toBe(mayWrite);
      expect(await openBySocket(foreign.name, token)).toBe(4404);
      const client = rest.client(token);
      const { organizations } = (await client.listOrganizations()).body;
      expect(organizations.map(({ id }) => id)).toEqual([tenant.organizationId]);
      const { organizationId } = stranger;
      expect(await codeOf(client.getOrganization({ params: { organizationId } }))).toBe(
        "not_found",
      );
    },
  );

  test("[A1] without the claim role, what the person has; without both, wherever he has it", async () => {
    const stranger = await createTenant(rest.sql);
    const [here, there] = [await tenant.document(), await stranger.document()];
    const bound = await signJwt({ email, organization: slug });
    const free = await signJwt({ email });
    expect(await openBySocket(here.name, bound)).toBe(4404);
    await setCollaborator(
      rest.sql,
      { projectId: tenant.projectId, userId, role: "editor" },
      SCRIPT,
    );
    await setCollaborator(
      rest.sql,
      { projectId: stranger.projectId, userId, role: "viewer" },
      SCRIPT,
    );
    expect(await openBySocket(here.name, bound)).toBe(true);
    expect(await openBySocket(there.name, bound)).toBe(4404);
    expect(await openBySocket(here.name, free)).toBe(true);
    expect(await openBySocket(there.name, free)).toBe(false);
  });

  test("[A2] a role adds to what the person has, it takes nothing away", async () => {
    const { name } = await tenant.document();
    await setCollaborator(
      rest.sql,
      { projectId: tenant.projectId, userId, role: "editor" },
      SCRIPT,
    );
    const token = await signJwt({ email, organization: slug, role: "viewer" });
    expect(await openBySocket(name, token)).toBe(true);
  });
});

test("the log names the person who wrote by such a token", async () => {
  const { documentId, name } = await tenant.document();
  const token = await signJwt({ email, organization: slug, role: "editor" });
  const client = await openWire({ url: socketUrl(), name, token });
  client.document.getText("diagram").insert(0, "x");
  await client.answered();
  await client.close();
  const rows = await rest.sql<{ user_id: string }[]>`
    select distinct user_id from yjs_updates where document_id = ${documentId}`;
  expect(rows.map((row) => row.user_id)).toEqual([userId]);
});
