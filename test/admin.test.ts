import { createHash } from "node:crypto";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessToDocuments, findKeys, findSessions } from "../persistence/access.ts";
import { describeFailure } from "../server/cli/failure.ts";
import { createProgram } from "../server/cli/program.ts";
import { configSchema } from "../server/config.ts";
import { askAdmin, runAdmin } from "./support/admin-process.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";

let database: TestDatabase;
const ask = <T>(line: string, code = 0): Promise<T> =>
  askAdmin<T>(line.split(" "), { env: database.env, code });
const run = (line: string) => runAdmin(line === "" ? [] : line.split(" "), { env: database.env });

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

type Failure = { error: { code: string; message: string } };

describe("called wrongly, it says how and ends with 2", () => {
  test.each([
    ["", /^Usage: admin/u],
    ["nonsense", /unknown command/u],
    ["compact", /^Say which/u],
  ])("admin %s", async (line, sentence) => {
    const { code, stderr, stdout } = await run(line);
    expect(stderr).toMatch(sentence);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  test.each([
    ["compact --all --document 00000000-0000-4000-8000-000000000000", "cannot be used with"],
    ["verify --document nonsense", "A document id is a uuid"],
    ["user create nobody", "mail address"],
    ["user token a@b.c --days 0", "A whole number"],
    ["key create --user a@b.c --name n --scopes docs:everything", "Scopes are"],
    ["document create --project a --type feature_blueprint --title T", "organization/project"],
    ["document create --project a/b --type poem --title T", "Allowed choices"],
    ["document delete", "missing required argument"],
    ["stats --top many", "A whole number"],
  ])("admin %s is refused before the database is opened", async (line, sentence) => {
    const program = createProgram({ silent: true });
    const refused = program.parseAsync(line.split(" "), { from: "user" });
    const error: unknown = await refused.catch((thrown: unknown) => thrown);
    const { code, message } = describeFailure(error);
    expect(message).toContain(sentence);
    expect(code).toBe("bad_request");
  });

  test("as JSON where that was asked for, and nothing else", async () => {
    const { error } = await ask<Failure>("user create nobody", 2);
    expect(error).toMatchObject({ code: "bad_request" });
  });
});

test("every command explains itself and knows --json", () => {
  const leaves = (command: Command): readonly Command[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
  const commands = leaves(createProgram({ silent: true }));
  expect(commands.length).toBeGreaterThan(15);
  for (const command of commands) {
    expect(command.description()).not.toBe("");
    expect(command.helpInformation()).toContain("--json");
  }
});

test("config prints every variable, also when one is wrong", async () => {
  const { code, stdout } = await runAdmin(["config"], { env: { PORT: "nonsense" } });
  for (const name of Object.keys(configSchema.shape)) expect(stdout).toContain(`| \`${name}\` |`);
  expect(code).toBe(0);
});

test("a wrong variable and a database that is away are one sentence and exit code 1", async () => {
  const wrong = await runAdmin(["stats"], { env: { ...database.env, PORT: "nonsense" } });
  expect(wrong).toMatchObject({ code: 1, stdout: "" });
  expect(wrong.stderr).toMatch(/^PORT is "nonsense"; [^\n]+\n$/u);
  const env = { DATABASE_URL: "postgres://nobody@127.0.0.1:1/nothing" };
  const away = await askAdmin<Failure>(["stats"], { env, code: 1 });
  expect(away.error.code).toBe("storage_unavailable");
});

test("migrate has nothing to do on a migrated database", async () => {
  expect(await ask("migrate --dry-run")).toEqual({ pending: 0 });
  expect(await ask("migrate")).toEqual({ applied: 0 });
});

test("seed makes the demo once and counts samples up to what was asked for", async () => {
  type Seeded = { demo: { documentId: string } | null; sampleDocuments: { created: number } };
  const first = await ask<Seeded>("seed --documents 2");
  expect(first).toMatchObject({ demo: expect.anything(), sampleDocuments: { created: 2 } });
  const again = await ask<Seeded>("seed --documents 3");
  expect(again).toMatchObject({ demo: null, sampleDocuments: { created: 1 } });
  const { counts } = await ask<{ counts: object }>("stats");
  expect(counts).toMatchObject({ organizations: 1, users: 1, documents: 4 });
});

test("[A1 A3] users, roles, tokens and sign-out work on what the server reads", async () => {
  const { sql } = database;
  const { userId } = await ask<{ userId: string }>(
    "user create Ann@Example.com --organization acme --create",
  );
  const { documentId } = await ask<{ documentId: string }>(
    "document create --project acme/main --create --type feature_blueprint --title Plan",
  );
  const access = () => accessToDocuments(sql, [{ documentId, userId }]);
  expect(await access()).toMatchObject([{ role: "viewer" }]);
  await ask("user grant ann@example.com --project acme/main --role editor");
  expect(await access()).toMatchObject([{ role: "editor" }]);
  const { token } = await ask<{ token: string }>("user token ann@example.com --days 2");
  const tokenHash = createHash("sha256").update(token).digest();
  expect(await findSessions(sql, [tokenHash])).toMatchObject([{ userId }]);
  expect(await ask("user sign-out ann@example.com")).toMatchObject({ ended: 1 });
  expect(await findSessions(sql, [tokenHash])).toEqual([null]);
  const { error } = await ask<Failure>("user create ann@example.com", 1);
  expect(error.code).toBe("conflict");
});

test("stats cut a long title in the table, not in --json", async () => {
  const title = "x".repeat(200);
  const create = "document create --project acme/stats --create --type feature_blueprint --title";
  const { documentId } = await ask<{ documentId: string }>(`${create} ${title}`);
  const { stdout } = await runAdmin(["stats", "--top", "1000"], { env: database.env });
  expect(stdout).toContain(`${documentId}  ${"x".repeat(59)}…  `);
  expect(stdout).not.toContain("x".repeat(60));
  const { biggest } = await ask<{ biggest: object[] }>("stats --top 1000");
  expect(biggest).toContainEqual(expect.objectContaining({ documentId, title }));
});

test("[A4] a key is shown once, listed without its secret, and revoked for good", async () => {
  const { sql } = database;
  await ask("user create key@example.com --organization keys --create --role admin");
  const made = await ask<{ token: string }>(
    "key create --user key@example.com --name ci --scopes docs:read,docs:write --role viewer --days 1",
  );
  const [prefix = "", secret = ""] = made.token.split(".");
  expect(await findKeys(sql, [prefix])).toMatchObject([
    { role: "viewer", scopes: ["docs:read", "docs:write"] },
  ]);
  const list = await run("key list");
  expect(list.stdout).toContain(prefix);
  expect(list.stdout).not.toContain(secret);
  await ask(`key revoke ${prefix}`);
  expect(await findKeys(sql, [prefix])).toEqual([null]);
  expect((await ask<Failure>("key revoke nonsense", 1)).error.code).toBe("not_found");
});

test("a document is deleted only with --yes, and then it is gone from the list", async () => {
  const made = await ask<{ documentId: string }>(
    "document create --project acme/main --type feature_blueprint --title Old",
  );
  const refused = await ask<Failure>(`document delete ${made.documentId}`, 2);
  expect(refused.error.message).toContain("--yes");
  const listed = () => ask<{ documents: { id: string }[] }>("document list --project acme/main");
  expect((await listed()).documents).toHaveLength(2);
  expect(await ask(`document delete ${made.documentId} --yes`)).toMatchObject({ deleted: true });
  expect(await ask(`document delete ${made.documentId} --yes`)).toMatchObject({ deleted: false });
  expect((await listed()).documents).toHaveLength(1);
  const shown = await ask<object>(`document show document:${made.documentId}`);
  expect(shown).toMatchObject({ title: "Old", deletedAt: expect.any(String) });
});
