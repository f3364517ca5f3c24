import { existsSync, globSync, readdirSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { SAVE_STATUSES } from "../client/index.ts";
import { ERRORS } from "../schema/errors.ts";
import { RIGHTS, rightsOf, ROLES } from "../schema/roles.ts";
import { createProgram } from "../server/cli/program.ts";
import { configSchema, parseConfig } from "../server/config.ts";
import { runAdmin } from "./support/admin-process.ts";
import { anchors, codeSpans, internalLinks, tableUnder } from "./support/markdown.ts";
import { readIfPresent, readRootSources, readSources } from "./support/source-files.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

const read = (path: string): string => {
  const text = readIfPresent(path);
  if (text === undefined) throw new Error(`There is no ${path}`);
  return text;
};

const README = read("README.md");
const SPEC = read("docs/SPEC.md");
const COMPOSE = read("docker-compose.yml");

const documents = [
  ...readRootSources([".md"]),
  ...["docs", "bench"].flatMap((folder) => readSources(folder, [".md"])),
];
/** Everything that tells people what to type. */
const instructions = [
  ...documents,
  ...["docker-compose.yml", ".env.example"].map((path) => ({ path, text: read(path) })),
];

const variables = Object.keys(configSchema.shape);
const folders = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !["node_modules", ".git", ".data"].includes(entry.name))
  .map((entry) => entry.name);

/** Every match of the pattern's first group in the texts, with where it was found. */
const mentions = (texts: readonly { path: string; text: string }[], pattern: RegExp) =>
  texts.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map((match) => ({ path, found: (match[1] ?? "").trim() })),
  );

test("the checks below read the documents", () => {
  const paths = documents.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining(["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/SPEC.md"]),
  );
  expect(documents.flatMap(({ text }) => codeSpans(text)).filter(isPath).length).toBeGreaterThan(
    50,
  );
});

describe("what documents name is there", () => {
  test("files and folders", () => {
    const named = documents.flatMap(({ path, text }) =>
      codeSpans(text)
        .filter(isPath)
        .map((found) => ({ path, found })),
    );
    expect(named.filter(({ path, found }) => !isThere(found, posix.dirname(path)))).toEqual([]);
  });

  test("what links lead to", () => {
    const dead = documents.flatMap(({ path, text }) =>
      internalLinks(text)
        .filter((link) => !leadsSomewhere(path, link))
        .map((link) => `${path}: ${link}`),
    );
    expect(dead).toEqual([]);
  });

  test("npm scripts", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const named = mentions(instructions, /\bnpm (?:run )?((?<=run )[\w:-]+|start\b|test\b)/gu);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ found }) => !Object.hasOwn(scripts, found))).toEqual([]);
  });

  test("commands of the script, and their options", () => {
    const named = mentions(instructions, /npm run admin -- ([^`<\n#]+)/gu);
    expect(named.length).toBeGreaterThan(8);
    const wrong = named.filter(({ found }) => complaintAbout(found.split(/\s+/u)) !== null);
    expect(wrong).toEqual([]);
  });

  test("environment variables", () => {
    const named = documents.flatMap(({ path, text }) =>
      codeSpans(text)
        .filter((span) => /^[A-Z]+(_[A-Z]+)+$/u.test(span))
        .map((found) => ({ path, found })),
    );
    const assigned = mentions(instructions, /\b([A-Z]+(?:_[A-Z]+)+)=/gu);
    const known = [...variables, "TEST_SIZE"];
    expect([...named, ...assigned].filter(({ found }) => !known.includes(found))).toEqual([]);
  });
});

describe("tables say what the code says", () => {
  test("configuration: docs/CONFIGURATION.md has what `admin config` prints", async () => {
    const { stdout } = await runAdmin(["config"], { env: {} });
    expect(stdout.split("\n").length).toBeGreaterThan(variables.length);
    expect(read("docs/CONFIGURATION.md")).toContain(stdout.trim());
  });

  test("commands of the script, each with its subcommands", () => {
    const rows = tableUnder(README, "command", "what it does");
    const commands = createProgram({ silent: true }).commands.filter(
      (command) => command.name() !== "help",
    );
    expect(rows.map(([name]) => name)).toEqual(commands.map((command) => command.name()));
    for (const [index, command] of commands.entries()) {
      for (const sub of command.commands) expect(rows[index]?.[1]).toContain(sub.name());
    }
  });

  test("roles and rights", () => {
    const rows = tableUnder(README, "role", ...RIGHTS);
    const expected = ROLES.map((role) => {
      const rights = rightsOf(role, null);
      return [role, ...RIGHTS.map((right) => (rights.includes(right) ? "✓" : ""))];
    });
    expect(rows).toEqual(expected);
  });

  test("close codes", () => {
    const rows = tableUnder(SPEC, "close code", "error codes").filter(([code]) => code !== "1009");
    const documented = rows.flatMap(([close, codes = ""]) =>
      codes.split(", ").map((code) => [code, Number(close)] as const),
    );
    const closes = Object.entries(ERRORS).map(([code, { close }]) => [code, close] as const);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(closes));
  });

  test("statuses of the client", () => {
    for (const table of [tableUnder(README, "status"), tableUnder(SPEC, "status")]) {
      expect(table.map(([status]) => status)).toEqual(SAVE_STATUSES);
    }
  });
});

test("docs/SECURITY.md tells the defaults of its limits as they are", () => {
  const limits = parseConfig({});
  const rows = read("docs/SECURITY.md").split("\n");
  const told = rows.flatMap((row) => {
    const [what = "", value = ""] = row.startsWith("| ") ? row.split(" | ") : [];
    const names = [...what.matchAll(/`(?<name>[A-Z_]{4,})`/gu)].map((match) => match[1] ?? "");
    return names.map((name) => ({ name, value }));
  });
  const faults = told.filter(({ name, value }) => {
    const limit = limits[name as keyof typeof limits];
    return typeof limit === "number" && !spellings(limit).some((each) => value.includes(each));
  });
  expect(faults).toEqual([]);
  expect(told.length).toBeGreaterThan(20);
});

/** 10000 as a count, as bytes and as ms. */
const spellings = (limit: number): string[] => [
  limit.toLocaleString("en"),
  `${limit / 1024} KiB`,
  `${limit / 1024 ** 2} MiB`,
  `${limit / 1000} s`,
];

test(".env.example has every variable, in order, with its default", () => {
  const lines = mentions([{ path: "", text: read(".env.example") }], /^# ([A-Z_]+=.*)$/gmu);
  const pairs = lines.map(({ found }) => found.split("=", 2) as [string, string]);
  expect(pairs.map(([name]) => name)).toEqual(variables);
  const { DATABASE_URL: example, ...defaults } = parseConfig(Object.fromEntries(pairs));
  expect(defaults).toEqual(parseConfig({}));
  expect(README).toContain(`DATABASE_URL=${example ?? ""} `);
});

describe("docker-compose.yml", () => {
  const value = (name: string): string =>
    new RegExp(`^\\s+${name}:\\s*(\\S+)$`, "mu").exec(COMPOSE)?.[1] ?? "";

  test("its database is the one that README and its own comment connect to", () => {
    const [, host, port, inside] = /^\s+- "([\d.]+):(\d+):(\d+)"$/mu.exec(COMPOSE) ?? [];
    const account = `${value("POSTGRES_USER")}:${value("POSTGRES_PASSWORD")}`;
    const url = `postgres://${account}@${host}:${port}/${value("POSTGRES_DB")}`;
    expect({ host, inside }).toEqual({ host: "127.0.0.1", inside: "5432" });
    expect(README).toContain(`DATABASE_URL=${url} npm start`);
    expect(COMPOSE).toContain(`DATABASE_URL=${url} npm start`);
  });

  test("its PostgreSQL is new enough, and keeps its data where that version does", () => {
    expect(Number(/^\s+image: postgres:(\d+)$/mu.exec(COMPOSE)?.[1])).toBeGreaterThanOrEqual(18);
    expect(COMPOSE).toMatch(/^\s+- \w+:\/var\/lib\/postgresql$/mu);
  });

  test("volumes are declared, files exist", () => {
    const [, declared = ""] = /^volumes:\n((?:\s+.*\n?)*)/mu.exec(COMPOSE) ?? [];
    const names = [...declared.matchAll(/^ {2}(\w+):$/gmu)].map(([, name]) => name);
    const mounted = [...COMPOSE.matchAll(/^\s+- ([\w./-]+):\//gmu)].map(
      ([, source = ""]) => source,
    );
    expect(mounted.length).toBeGreaterThan(0);
    expect(mounted.filter((source) => !source.startsWith(".") && !names.includes(source))).toEqual(
      [],
    );
    const files = mentions([{ path: "", text: COMPOSE }], /(?:^|\s)(\.{1,2}\/[\w./-]+)/gmu);
    expect(files.filter(({ found }) => !existsSync(ROOT + found))).toEqual([]);
  });
});

/** A path from the root, or the name of a source file that is meant to lie beside the document. */
function isPath(span: string): boolean {
  if (!/^[\w.*@/-]+$/u.test(span)) return false;
  const [first = ""] = span.split("/");
  return span.includes("/") ? folders.includes(first) : /\.(ts|md|sql|ya?ml)$/u.test(span);
}

const isThere = (path: string, beside: string): boolean =>
  ["", beside].some((folder) => globSync(path, { cwd: ROOT + folder }).length > 0);

function leadsSomewhere(from: string, link: string): boolean {
  const [file = "", anchor] = link.split("#");
  const path = file === "" ? from : posix.join(posix.dirname(from), file);
  if (!existsSync(ROOT + path)) return false;
  return anchor === undefined || anchors(read(path)).includes(anchor);
}

/** What is wrong with a call of the script; null when it has such a command with such options. */
function complaintAbout(words: readonly string[]): string | null {
  const program = createProgram({ silent: true });
  let command: Command = program;
  for (const word of words) {
    if (word.startsWith("--")) {
      if (!command.options.some(({ long }) => long === word)) return `no option ${word}`;
      continue;
    }
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined && command === program) return `no command ${word}`;
    command = next ?? command;
  }
  return null;
}

test("a call of the script that does not exist is found", () => {
  expect(complaintAbout(["compact", "--all", "--dry-run"])).toBeNull();
  expect(complaintAbout(["user", "token", "demo@example.com", "--days", "3"])).toBeNull();
  expect(complaintAbout(["compress"])).toBe("no command compress");
  expect(complaintAbout(["user", "token", "--all"])).toBe("no option --all");
});
