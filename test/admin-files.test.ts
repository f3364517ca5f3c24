import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseMarkdown, renderMarkdown } from "../schema/content.ts";
import { askAdmin, runAdmin } from "./support/admin-process.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { createTenant } from "./support/tenant.ts";

const MARKDOWN = `# A plan

Some **bold** text, [a link](https://example.com) and \`code\`.

- one
- two

| a | b |
| --- | --- |
| 1 | 2 |
`;

type Imported = {
  imported: { documentId: string; slug: string; title: string }[];
  refused: object[];
};

let database: TestDatabase;
let folder: string;
let place: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "scriptorium-admin-"));
  const { organizationId } = await createTenant(database.sql);
  const [row] = await database.sql<{ slug: string }[]>`
    select slug from organizations where id = ${organizationId}`;
  place = ["--project", `${row?.slug ?? ""}/test`, "--type", "feature_blueprint"];
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await database.close();
});

const importFile = (args: string[], code = 0) =>
  askAdmin<Imported>(["import", ...args, ...place], { env: database.env, code });

test("what was imported is exported again, as Markdown, JSON and HTML", async () => {
  const path = join(folder, "My plan.md");
  await writeFile(path, MARKDOWN);
  const [made] = (await importFile([path])).imported;
  expect(made).toMatchObject({ slug: "my-plan", title: "A plan" });
  const env = database.env;
  const id = made?.documentId ?? "";
  const markdown = await runAdmin(["export", id], { env });
  expect(markdown.stdout).toBe(renderMarkdown(parseMarkdown(MARKDOWN)));
  const json = join(folder, "again.json");
  await runAdmin(["export", id, "--format", "json", "--out", json], { env });
  const [again] = (await importFile([json])).imported;
  const exported = await runAdmin(["export", again?.documentId ?? "", "--format", "json"], { env });
  // Block ids and all: the same content, not only the same text.
  expect(JSON.parse(exported.stdout)).toEqual(JSON.parse(await readFile(json, "utf8")));
  const html = await runAdmin(["export", id, "--format", "html"], { env });
  expect(html.stdout).toContain("<strong>bold</strong>");
});

test("[T20] importing the same slug twice, or at once, makes one document", async () => {
  const input = "Once only.";
  const run = () =>
    runAdmin(["import", "-", "--slug", "once", "--title", "Once", ...place], {
      env: database.env,
      input,
    });
  const runs = await Promise.all([run(), run(), run()]);
  runs.push(await run());
  expect(runs.filter(({ code }) => code === 0)).toHaveLength(1);
  expect(runs.filter(({ code }) => code === 1)).toHaveLength(3);
  const rows = await database.sql<{ id: string; head: number }[]>`
    select d.id, y.head_seq::int as head from documents d join yjs_documents y on y.document_id = d.id
    where d.slug = 'once' and y.part = 'content'`;
  expect(rows).toHaveLength(1);
  expect(rows[0]?.head).toBe(1);
  const { stdout } = await runAdmin(["export", rows[0]?.id ?? ""], { env: database.env });
  expect(stdout).toBe("Once only.\n");
});

test("of a folder every good file is imported and every bad one named", async () => {
  const inside = join(folder, "many");
  await mkdir(join(inside, "deep"), { recursive: true });
  await writeFile(join(inside, "one.md"), "# One\n");
  await writeFile(join(inside, "deep", "two.md"), "Two\n");
  await writeFile(join(inside, "bad.json"), `{"type":"doc","content":[{"type":"poem"}]}`);
  await writeFile(join(inside, "bytes.md"), Buffer.from([0xff, 0xfe, 0x00]));
  await writeFile(join(inside, "picture.png"), "not read");
  const first = await importFile([inside], 1);
  expect(first.imported.map(({ slug }) => slug)).toEqual(["deep-two", "one"]);
  expect(first.refused).toMatchObject([{ code: "bad_content" }, { code: "bad_content" }]);
  const again = await importFile([inside], 1);
  expect(again.imported).toEqual([]);
  expect(again.refused).toHaveLength(4);
});

test("a file that is missing, or whose format nobody knows, is one sentence", async () => {
  const missing = await runAdmin(["import", join(folder, "none.md"), ...place], {
    env: database.env,
  });
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/^ENOENT[^\n]+\n$/u) });
  const path = join(folder, "text.rtf");
  await writeFile(path, "text");
  expect(await runAdmin(["import", path, ...place], { env: database.env })).toMatchObject({
    code: 2,
  });
});

test("export --all writes a file each and asks before it overwrites", async () => {
  const out = join(folder, "out");
  const args = ["export", "--all", "--out", out];
  const { files } = await askAdmin<{ files: { file: string }[] }>(args, { env: database.env });
  expect(files.length).toBeGreaterThan(2);
  for (const { file } of files) expect((await readFile(file, "utf8")).length).toBeGreaterThan(0);
  await askAdmin(args, { env: database.env, code: 2 });
  await askAdmin([...args, "--yes"], { env: database.env });
});

test("a slug that another program wrote does not lead out of the folder", async () => {
  await database.sql`update documents set slug = '../../../escaped' where slug = 'once'`;
  const out = join(folder, "safe");
  const { files } = await askAdmin<{ files: { file: string }[] }>(
    ["export", "--all", "--out", out],
    { env: database.env },
  );
  for (const { file } of files) expect(file.startsWith(`${out}/`)).toBe(true);
  expect(files.some(({ file }) => file.includes("escaped"))).toBe(false);
});
