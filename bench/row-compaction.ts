import type { Sql } from "postgres";
import { fillColdDocuments } from "./cold-documents.ts";
import { compactAll, type CompactReport } from "./compact-all.ts";
import { type Ledger, openLedger, takeLedger } from "./ledger.ts";
import { documentIdOf } from "./our-storage.ts";
import type { Processes } from "./processes.ts";
import type { Context, Figure, Measurement, Scale, Scenario } from "./scenario.ts";
import { countLostEdits } from "./stored-edits.ts";

/** What the row needs besides the server: the database, and a way to start the script as an administrator would. */
export type CompactionTools = { sql: Sql; processes: Processes; env: NodeJS.ProcessEnv };

const TYPED_DOCUMENTS = 10;
const CLIENTS_PER_DOCUMENT = 5;
const UPDATES_PER_SECOND = 400;

const SECONDS: Record<Scale, number> = { quick: 4, full: 10 };

/**
 * Filled before each of the two turns of a round, so that both begin alike, and compacted in the second: more than an
 * idle machine gets done while the others type. What is left when they stop is the next round's.
 */
const COLD_DOCUMENTS: Record<Scale, number> = { quick: 200, full: 500 };

/** What the script calls itself at PostgreSQL (`server/cli/run.ts`). */
const SCRIPT_APPLICATION = "scriptorium-admin";

/** The script's figures; none in the turn without it. */
const NOT_RUN = {
  seconds: Number.NaN,
  compacted: Number.NaN,
  savedBytes: Number.NaN,
  wrongBytes: Number.NaN,
};

async function runBeside(
  { sql, processes, env }: CompactionTools,
  typingOver: AbortSignal,
): Promise<typeof NOT_RUN> {
  await takeLedger(sql, SCRIPT_APPLICATION);
  const report = await compactAll(processes, env, typingOver);
  const { seconds, compacted, savedBytes } = report;
  const counted = await takeLedger(sql, SCRIPT_APPLICATION);
  return { seconds, compacted, savedBytes, wrongBytes: wrongBytes(report, counted) };
}

/** By how many bytes the report is off, in either direction, in the sums and in the saving they make. */
function wrongBytes(report: CompactReport, counted: Ledger): number {
  const saved = counted.beforeBytes - counted.afterBytes - counted.historyBytes;
  return (
    Math.abs(report.beforeBytes - counted.beforeBytes) +
    Math.abs(report.afterBytes - counted.afterBytes) +
    Math.abs(report.historyBytes - counted.historyBytes) +
    Math.abs(report.savedBytes - saved)
  );
}

/** One turn; `interrupted`: the script is stopped when the typing is over, whatever it has left to do. */
type Size = { seconds: number; coldDocuments: number; interrupted: boolean };

async function run(
  { subject, load, turn }: Context,
  { seconds, coldDocuments, interrupted }: Size,
  tools: CompactionTools,
): Promise<Measurement> {
  const { token, names } = await subject.prepare(TYPED_DOCUMENTS + coldDocuments);
  const typedNames = names.slice(0, TYPED_DOCUMENTS);
  const cold = names.slice(TYPED_DOCUMENTS);
  await fillColdDocuments(tools.sql, cold.map(documentIdOf));
  const begun = Promise.withResolvers<void>();
  const over = new AbortController();
  const script = begun.promise.then(() =>
    turn === "ours" ? runBeside(tools, over.signal) : NOT_RUN,
  );
  const typing = load.run(
    "fanOut",
    {
      url: subject.url(),
      token,
      names: typedNames,
      clientsPerDocument: CLIENTS_PER_DOCUMENT,
      updatesPerSecond: UPDATES_PER_SECOND,
      seconds,
    },
    (phase) => {
      if (phase === "begin") begun.resolve();
      else if (interrupted) over.abort();
    },
  );
  const [{ delivered, acknowledged, typed }, report] = await Promise.all([typing, script]);
  return {
    ...report,
    deliveredP50: delivered.p50,
    deliveredP99: delivered.p99,
    acknowledgedP99: acknowledged.p99,
    lost: await countLostEdits(tools.sql, typed, cold),
  };
}

const atMost = (value: number): Figure["target"] => ({ kind: "ratio-at-most", value });

const FIGURES: readonly Figure[] = [
  {
    key: "deliveredP50",
    label: "fan-out p50, 50 clients, 400 updates/s, compact --all beside them",
    unit: "ms",
    target: { kind: "none" },
  },
  { key: "deliveredP99", label: "fan-out p99", unit: "ms", target: atMost(1.5) },
  { key: "acknowledgedP99", label: "acknowledgement p99", unit: "ms", target: atMost(1.5) },
  {
    key: "lost",
    label: "acknowledged edits missing when PostgreSQL is read back",
    unit: "count",
    target: { kind: "at-most", value: 0 },
  },
  {
    key: "wrongBytes",
    label: "bytes in the script's report that PostgreSQL counted otherwise",
    unit: "count",
    target: { kind: "at-most", value: 0 },
  },
  { key: "savedBytes", label: "  bytes saved by it", unit: "bytes", target: { kind: "none" } },
  { key: "compacted", label: "  document parts", unit: "count", target: { kind: "none" } },
  { key: "seconds", label: "  the script ran", unit: "s", target: { kind: "none" } },
];

/** This server beside itself: the same typing, without and with `admin compact --all` running. */
export const createCompaction = (tools: CompactionTools): Scenario => ({
  name: "compaction",
  columns: { plain: "quiet", ours: "compacting" },
  figures: FIGURES,
  rounds: { quick: 2, full: 5 },
  warmUp: async (context) => {
    await openLedger(tools.sql);
    await run(context, { seconds: 2, coldDocuments: 20, interrupted: false }, tools);
  },
  measure: (context) =>
    run(
      context,
      {
        seconds: SECONDS[context.scale],
        coldDocuments: COLD_DOCUMENTS[context.scale],
        interrupted: true,
      },
      tools,
    ),
});
