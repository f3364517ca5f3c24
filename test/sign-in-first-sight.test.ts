import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SECRET_ENVIRONMENT, signJwt } from "./support/host-application.ts";
import { startRest, type Rest } from "./support/rest.ts";

let rest: Rest;

beforeAll(async () => {
  rest = await startRest({ ...SECRET_ENVIRONMENT, JWT_CREATE_USERS: "true" });
});
afterAll(() => rest.close());

const usersOf = (email: string) =>
  rest.sql<{ id: string; name: string }[]>`
    select id, name from users where lower(email) = ${email.toLowerCase()}`;

test("somebody unknown is made a user at his first sign-in: once, however many come at a time", async () => {
  const email = `Eve.${randomUUID()}@Example.com`;
  const tokens = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      signJwt({ email: index % 2 === 0 ? email : email.toUpperCase(), name: "Eve Adams" }),
    ),
  );
  const seen = await Promise.all(tokens.map((token) => rest.client(token).getMe()));
  const [user, ...others] = await usersOf(email);
  expect(others).toEqual([]);
  expect(user?.name).toBe("Eve Adams");
  expect(new Set(seen.map(({ body }) => body.user.id))).toEqual(new Set([user?.id]));
});

test.each([
  ["no name", undefined],
  ["an empty one", " "],
  ["one that cannot be shown", "a\u0000b"],
  ["one that is not text", 7],
])("with %s he is called by the first part of his address", async (_what, name) => {
  const local = randomUUID();
  const { body } = await rest.client(await signJwt({ email: `${local}@x.test`, name })).getMe();
  expect(body.user.name).toBe(local);
});

test("a name that he has given himself stays", async () => {
  const client = rest.client(await signJwt({ email: `${randomUUID()}@x.test`, name: "Before" }));
  expect((await client.updateMe({ body: { name: "After" } })).body.user.name).toBe("After");
  expect((await client.getMe()).body.user.name).toBe("After");
});

test("a token that is refused makes nobody", async () => {
  const email = `${randomUUID()}@x.test`;
  const refused = [
    await signJwt({ email, organization: "nowhere" }),
    await signJwt({ email, iss: "https://other.example.com" }),
    await signJwt({ email, email_verified: false }),
  ];
  for (const token of refused) await expect(rest.client(token).getMe()).rejects.toThrow();
  expect(await usersOf(email)).toEqual([]);
});
