/**
 * `npm run fuzz -- --minutes 60 [--seed N]`: hostile updates against a real server and a real PostgreSQL.
 * Exit code 0: every promise held. 1: one was broken; the updates that did it lie in test/fuzz/crashers.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { startTestNode } from "../support/node.ts";
import { startOwnPostgres } from "../support/own-postgres.ts";
import { signedIn } from "../support/roles.ts";
import { createTenant } from "../support/tenant.ts";
import type { Crasher, FuzzCounts } from "./fuzz-document.ts";
import { runFuzz } from "./fuzz-run.ts";

const CRASHERS = new URL("crashers/", import.meta.url);

const command = new Command("fuzz")
  .description("Sends mutated updates to a server and checks what it promises.")
  .option("--minutes <number>", "how long", Number, 1)
  .option("--seed <number>", "what to begin with", Number, Math.floor(Math.random() * 2 ** 31))
  .option("--at-once <number>", "documents at the same time", Number, 8)
  .option("--per-document <number>", "updates to each", Number, 1000);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

async function keep({ what, state, update }: Crasher): Promise<void> {
  await mkdir(CRASHERS, { recursive: true });
  const name = `${Date.now()}-${Math.floor(Math.random() * 1e6)}.json`;
  const text = JSON.stringify({ what, state: hex(state), update: hex(update) }, null, 2);
  await writeFile(new URL(name, CRASHERS), `${text}\n`);
  process.stdout.write(`\nFOUND ${what}\n  kept as test/fuzz/crashers/${name}\n`);
}

/** The counter of refusals, by reason. */
async function refusals(port: number): Promise<string> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith("scriptorium_updates_refused_total{"))
    .map((line) => line.replace(/.*reason="([^"]+)"\} (\d+)/u, "$1 $2"))
    .join(", ");
}

type Options = { minutes: number; seed: number; atOnce: number; perDocument: number };

async function main(): Promise<number> {
  const { minutes, seed, atOnce, perDocument } = command.parse().opts<Options>();
  process.stdout.write(`seed ${seed}\n`);
  const postgres = await startOwnPostgres();
  const sql = postgres.database.sql;
  const location = postgres.env.DATABASE_URL;
  const node = await startTestNode({ database: postgres.database, location });
  const tenant = await createTenant(sql);
  const { token: honest } = await signedIn(sql, tenant, { member: "admin" });
  const endMs = performance.now() + minutes * 60_000;
  const startedMs = performance.now();
  const rate = ({ sent }: FuzzCounts): number =>
    Math.round((sent / (performance.now() - startedMs)) * 1000);
  const report = await runFuzz({ sql, node, tokens: { attacker: tenant.token, honest } }, tenant, {
    seed,
    atOnce,
    updatesPerDocument: perDocument,
    onCrasher: keep,
    goesOn: () => performance.now() < endMs,
    onDocument: (counts) => {
      process.stdout.write(
        `\r${counts.sent} sent, ${counts.accepted} accepted, ${counts.refused} refused, ${rate(counts)}/s `,
      );
    },
  });
  process.stdout.write(`\nrefused by reason: ${await refusals(node.port)}\n`);
  process.stdout.write(`seed ${seed}: ${report.sent} updates, ${report.crashers.length} found\n`);
  await node.close();
  await postgres.close();
  return report.crashers.length === 0 ? 0 : 1;
}

process.on("uncaughtException", (error) => {
  process.stderr.write(`\nThe process would have died: ${error.stack ?? error.message}\n`);
  process.exit(1);
});

process.exitCode = await main();
