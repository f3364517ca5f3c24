import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { useServers } from "./support/servers.ts";
import { useTenant } from "./support/tenant.ts";

const { database, tenant } = await useTenant();
const startServer = useServers();
const run = promisify(execFile);

/** A request that is refused ends the script, and each line is said before it is done. */
const STRICT = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n';

/** A stream goes on until the time that it is given is over, which is an error to curl. */
const isStream = (line: string): boolean => line.includes("--max-time");

let examples: string[];

beforeAll(async () => {
  const readme = await readFile("README.md", "utf8");
  const rest = readme.slice(readme.indexOf("## REST"), readme.indexOf("## Roles"));
  const guides = await Promise.all(
    ["docs/DISCUSSIONS.md", "docs/AGENTS.md", "docs/MCP.md"].map((path) => readFile(path, "utf8")),
  );
  examples = [...[rest, ...guides].join("\n").matchAll(/^```sh\n(.*?)^```$/gmsu)].map(
    (match) => match[1] ?? "",
  );
});

test("the examples of README, DISCUSSIONS.md, AGENTS.md and MCP.md do what they say, as they stand", async () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
  const server = await startServer({ env: database.env });
  const lines = examples
    .join("\n")
    .replace(/^TOKEN=….*$/mu, `TOKEN=${tenant.token}`)
    .replace("127.0.0.1:8787", `127.0.0.1:${server.port}`)
    .split("\n")
    .map((line) => (isStream(line) ? `${line.replace(/ +#.*$/u, "")} || [ $? = 28 ]` : line));
  const { stdout } = await run("bash", ["-c", STRICT + lines.join("\n")], { timeout: 60_000 });
  for (const told of [
    "# Plan\n\nBegin.",
    '"quote":"Begin"',
    '"marks":[{"type":"bold"}]',
    '"results":[',
    '"position":',
    '"kind":"mention"',
    "event: unread",
    '"trustScore":',
    '"decision":"taken_back"',
    "Begin on Monday.",
    '"thread_resolved":false',
    '"title":"Plan","hash":',
    "x-document-seq: ",
    '"name":"read_document"',
    '"text":"# Plan',
  ]) {
    expect(stdout).toContain(told);
  }
  expect(stdout).not.toContain("urn:scriptorium:problem");
}, 90_000);
