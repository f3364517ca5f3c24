import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync, statSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { configSchema, parseConfig } from "../server/config.ts";
import { importsOf } from "./support/imports.ts";
import { readIfPresent } from "./support/source-files.ts";
import { readYaml, type Yaml } from "./support/strict-yaml.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const read = (path: string): string => {
  const text = readIfPresent(path);
  if (text === undefined) throw new Error(`There is no ${path}`);
  return text;
};

/** The instructions of the Dockerfile, continuation lines joined, comments left out. */
const instructions = read("Dockerfile")
  .split("\n")
  .filter((line) => !line.trim().startsWith("#"))
  .join("\n")
  .replaceAll(/\s*\\\n\s*/gu, " ")
  .split("\n")
  .filter((line) => line.trim() !== "")
  .map((line) => {
    const [, name = "", rest = ""] = /^([A-Z]+) (.*)$/u.exec(line) ?? [];
    return { name, rest };
  });
const all = (name: string): string[] =>
  instructions.filter((each) => each.name === name).map(({ rest }) => rest);
const lastStage = instructions.slice(instructions.findLastIndex(({ name }) => name === "FROM"));
const environment = Object.fromEntries(
  all("ENV").flatMap((line) => line.split(" ").map((pair) => pair.split("=", 2))),
) as Record<string, string>;

/** What the last stage copies out of the first, as paths of this repository. */
const copied = lastStage
  .filter(({ name }) => name === "COPY")
  .flatMap(({ rest }) => rest.split(" ").slice(1, -1))
  .map((path) => posix.relative("/app", path));

describe("Dockerfile", () => {
  test("is read whole", () => {
    const known = "FROM ARG ENV WORKDIR COPY RUN USER EXPOSE HEALTHCHECK STOPSIGNAL CMD".split(" ");
    expect(instructions.filter(({ name }) => !known.includes(name))).toEqual([]);
    expect(all("FROM")).toHaveLength(2);
  });

  test("runs on the Node that the project pins", () => {
    const major = manifest.dependencies.node.split(".", 1)[0] ?? "";
    expect(all("FROM").map((line) => line.split(" ", 1)[0])).toEqual([
      `node:${major}-slim`,
      `node:${major}-slim`,
    ]);
  });

  test("sets variables that exist, to what they allow, and exposes the port", () => {
    const { NODE_ENV, ...ours } = environment;
    expect(NODE_ENV).toBe("production");
    expect(Object.keys(ours).filter((name) => !Object.hasOwn(configSchema.shape, name))).toEqual(
      [],
    );
    const config = parseConfig(ours);
    expect(config.HOST).toBe("0.0.0.0");
    expect(all("EXPOSE")).toEqual([String(config.PORT)]);
    expect(config.PORT).toBe(parseConfig({}).PORT);
  });

  test("copies what is there, and every room and file that the server imports", () => {
    const built = copied.filter((path) => !existsSync(ROOT + path));
    // Made by the build, so not in the repository.
    expect(built.filter((path) => posix.basename(path) !== "dist")).toEqual([]);
    expect(built.filter((path) => !existsSync(ROOT + posix.dirname(path)))).toEqual([]);
    const files = [...closure(["server/main.ts", "server/cli/main.ts"])];
    expect(files.length).toBeGreaterThan(60);
    const isCopied = (file: string): boolean =>
      copied.some((path) => file === path || file.startsWith(`${path}/`));
    expect(files.filter((file) => !isCopied(file))).toEqual([]);
  });

  test("is a user of the base image, not root, and starts the server without npm in between", () => {
    const order = lastStage.map(({ name }) => name);
    expect(all("USER")).toEqual(["node"]);
    expect(order.indexOf("USER")).toBeGreaterThan(order.lastIndexOf("COPY"));
    expect(JSON.parse(all("CMD")[0] ?? "")).toEqual(manifest.scripts.start.split(" "));
    expect(all("STOPSIGNAL")).toEqual(["SIGTERM"]);
  });

  test("asks its own port whether the server lives, and is right", async () => {
    const [, command = "[]"] = / CMD (\[.*\])$/u.exec(all("HEALTHCHECK")[0] ?? "") ?? [];
    await expectProbe(JSON.parse(command) as string[], "/healthz");
  });

  test("removes packages that are there, and none that the server loads", () => {
    const [, removed = ""] = /rm -rf (.*)$/u.exec(all("RUN").join(" ")) ?? [];
    const paths = removed.split(" ");
    expect(paths.length).toBeGreaterThan(1);
    expect(paths.filter((path) => !existsSync(ROOT + path))).toEqual([]);
    const packages = paths.map((path) => path.replace("node_modules/", ""));
    const sources = [...closure(["server/main.ts"])].filter((file) => file.endsWith(".ts"));
    const loaded = sources.flatMap((file) =>
      importsOf(read(file)).map(({ specifier }) => specifier ?? ""),
    );
    expect(loaded).toContain("pino");
    expect(loaded.filter((name) => packages.includes(name))).toEqual([]);
  });

  test("the build sees what it needs, and neither the history nor anybody's secrets", () => {
    const lines = read(".dockerignore").split("\n");
    const patterns = lines.filter((line) => line !== "" && !line.startsWith("#"));
    for (const path of [".git", ".data", ".env", "node_modules"]) expect(patterns).toContain(path);
    const needed = ["package.json", "package-lock.json", ...copied.filter((path) => path !== "")];
    const top = needed.map((path) => path.split("/", 1)[0] ?? "");
    const ignored = top.filter((path) => path !== "node_modules" && patterns.includes(path));
    expect(ignored).toEqual([]);
    const named = patterns.filter((path) => !path.includes("*") && !path.startsWith("."));
    expect(named.filter((path) => !existsSync(ROOT + path))).toEqual([]);
  });
});

describe("docker-compose.yml", () => {
  const compose = readYaml(read("docker-compose.yml")) as {
    services: Record<string, Record<string, Yaml>>;
    volumes: Record<string, Yaml>;
  };
  const service = (name: string): Record<string, Yaml> => {
    const found = compose.services[name];
    if (found === undefined) throw new Error(`There is no service ${name}`);
    return found;
  };
  const app = service("scriptorium");

  test("every service is checked for its health, and started again", () => {
    expect(Object.keys(compose.services)).toEqual(["postgres", "valkey", "scriptorium"]);
    for (const each of Object.values(compose.services)) {
      expect(each["healthcheck"]).toMatchObject({ retries: expect.stringMatching(/^\d+$/u) });
      expect(each["restart"]).toBe("unless-stopped");
    }
  });

  test("the server waits for the services it needs, and is built from the Dockerfile", () => {
    expect(app["depends_on"]).toEqual({ postgres: { condition: "service_healthy" } });
    expect(app["build"]).toBe(".");
    expect(statSync(`${ROOT}Dockerfile`).isFile()).toBe(true);
    expect(service("valkey")["profiles"]).toEqual(["nodes"]);
  });

  test("its variables exist, and name the database next door", () => {
    const variables = app["environment"] as Record<string, string>;
    const unknown = Object.keys(variables).filter(
      (name) => !Object.hasOwn(configSchema.shape, name),
    );
    expect(unknown).toEqual([]);
    const url = new URL(parseConfig(variables).DATABASE_URL ?? "");
    const account = service("postgres")["environment"] as Record<string, string>;
    expect(compose.services).toHaveProperty(url.hostname);
    expect({
      POSTGRES_USER: url.username,
      POSTGRES_PASSWORD: url.password,
      POSTGRES_DB: url.pathname.slice(1),
    }).toEqual(account);
    expect((service("postgres")["ports"] as string[])[0]).toMatch(new RegExp(`:${url.port}$`, "u"));
  });

  test("ports are open to this machine only, and are the ones that are listened on", () => {
    const ports = Object.values(compose.services).flatMap((each) => each["ports"] ?? []);
    expect(ports).toHaveLength(2);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/u);
    expect(app["ports"]).toEqual([`127.0.0.1:${environment["PORT"]}:${environment["PORT"]}`]);
  });

  test("a stop is given longer than the server takes at most", () => {
    const [, timeout] = /STOP_TIMEOUT_MS = ([\d_]+)/u.exec(read("server/main.ts")) ?? [];
    const timeoutMs = Number(timeout?.replaceAll("_", ""));
    const graceMs = Number.parseInt(app["stop_grace_period"] as string, 10) * 1000;
    expect(timeoutMs).toBeGreaterThan(0);
    expect(graceMs).toBeGreaterThan(timeoutMs);
  });

  test("its own check asks whether the server is ready, and is right", async () => {
    const { test: probe } = app["healthcheck"] as { test: string[] };
    expect(probe[0]).toBe("CMD");
    await expectProbe(probe.slice(1), "/readyz");
  });

  test("volumes are declared", () => {
    const mounted = Object.values(compose.services).flatMap(
      (each) => (each["volumes"] as string[] | undefined) ?? [],
    );
    expect(mounted.map((each) => each.split(":", 1)[0])).toEqual(Object.keys(compose.volumes));
  });
});

/** Every file of this repository that these load, whether at once or later. */
function closure(entries: readonly string[], seen = new Set<string>()): Set<string> {
  for (const entry of entries) {
    if (seen.has(entry)) continue;
    seen.add(entry);
    if (!entry.endsWith(".ts")) continue;
    const relative = importsOf(read(entry)).flatMap(({ specifier }) =>
      specifier?.startsWith(".") === true ? [posix.join(posix.dirname(entry), specifier)] : [],
    );
    closure(relative, seen);
  }
  return seen;
}

/** Runs a health check against a listener: 0 for 200, 1 for 503, 1 when nobody is there. */
async function expectProbe(command: readonly string[], path: string): Promise<void> {
  let status = 200;
  const asked: string[] = [];
  const listener = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(status).end();
  });
  await new Promise<void>((listening) => listener.listen(0, "127.0.0.1", listening));
  const { port } = listener.address() as AddressInfo;
  const probe = async (): Promise<number> => {
    const [, ...rest] = command.map((word) => word.replace(/:8787\b/u, `:${port}`));
    const child = spawn(process.execPath, rest, { env: { PORT: String(port) } });
    const [code] = (await once(child, "exit")) as [number];
    return code;
  };
  expect(command[0]).toBe("node");
  expect(await probe()).toBe(0);
  status = 503;
  expect(await probe()).toBe(1);
  await new Promise((closed) => listener.close(closed));
  expect(await probe()).toBe(1);
  expect(asked).toEqual([path, path]);
}

test.each([
  ["a: 1\nb:\n  - x\n  - y: z", "list of maps"],
  ["a: 1\na: 2", "a key twice"],
  ["a: &x 1", "an anchor"],
  ["a: {b: 1}", "a flow map"],
  ["a: |\n  text", "a block scalar"],
  ["a: 1 # why", "a comment behind a value"],
  ["a: 1\n  b: 2", "an indentation without reason"],
])("readYaml refuses %j: %s", (text) => {
  expect(() => readYaml(text)).toThrow(/not understood/u);
});
