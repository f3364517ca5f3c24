/**
 * `npm run bench`: this server and plain Hocuspocus, the same load, the same PostgreSQL, in turn.
 * Exit code 0: measured, whether or not the targets were reached. 1: a row failed, or an acknowledged edit was lost.
 */
import { availableParallelism, loadavg } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { startLoad } from "./load.ts";
import { openOurStorage } from "./our-storage.ts";
import { openPlainStorage } from "./plain-storage.ts";
import { type BenchPostgres, openBenchPostgres } from "./postgres.ts";
import { createProcesses, type Processes } from "./processes.ts";
import { type CompactionTools, createCompaction } from "./row-compaction.ts";
import { fanOut } from "./row-fan-out.ts";
import { createGate } from "./row-gate.ts";
import { createHerd } from "./row-herd.ts";
import { kill } from "./row-kill.ts";
import { createReplay } from "./row-replay.ts";
import { createRest } from "./row-rest.ts";
import { saturated } from "./row-saturated.ts";
import { type Rivals, runScenario } from "./run.ts";
import type { Scale, Scenario } from "./scenario.ts";
import { createSubject, type Subject } from "./subject.ts";
import { formatLine, heading, type Line, toLines } from "./table.ts";
import { isRecorded } from "./trace.ts";

type Options = {
  quick: boolean;
  json: boolean;
  selfCheck: boolean;
  only?: string[];
  rounds?: number;
};

/** Two runs of one server on a shared machine lie this far apart at most, or the machine is not fit to measure. */
const SELF_CHECK_RATIO = 1.25;

/** After this long, ms, quick rows get one round each: the promise is two minutes, on a busy machine too. */
const QUICK_MS = 65_000;

const ROWS = ["saturated", "fan-out", "kill", "replay", "herd", "compaction", "rest", "gate"];

function parseRows(text: string): string[] {
  const rows = text.split(",");
  const unknown = rows.find((row) => !ROWS.includes(row));
  if (unknown !== undefined) throw new InvalidArgumentError(`rows are ${ROWS.join(", ")}`);
  return rows;
}

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new InvalidArgumentError("1 to 100");
  }
  return rounds;
}

const command = new Command("bench")
  .description("Measures this server beside plain Hocuspocus, on one PostgreSQL, in turn.")
  .option("--quick", "smaller and fewer rounds, under two minutes", false)
  .option("--only <rows>", `some of: ${ROWS.join(",")}`, parseRows)
  .option("--rounds <number>", "rounds of every row", parseRounds)
  .option("--json", "one JSON document instead of the table", false)
  .option("--self-check", "plain against plain: what this machine can tell apart", false);

function createScenarios(
  options: Options,
  scale: Scale,
  { tools, ours }: { tools: CompactionTools; ours: Subject },
): Scenario[] {
  const compared = [saturated, fanOut, kill, createReplay(scale), createHerd(scale)];
  const alone = [createCompaction(tools), createRest(tools), createGate(tools, ours)];
  const chosen = [...compared, ...alone].filter(({ name }) => options.only?.includes(name) ?? true);
  if (!options.selfCheck) return chosen;
  return chosen
    .filter(({ columns }) => columns === undefined)
    .map((scenario) => ({
      ...scenario,
      figures: scenario.figures.map((figure) => ({
        ...figure,
        target: figure.target.kind.startsWith("ratio")
          ? { kind: "near", value: SELF_CHECK_RATIO }
          : { kind: "none" },
      })),
    }));
}

function createRivals(options: Options, { sql, env, processes }: CompactionTools): Rivals {
  const createPlain = (label: string): Subject =>
    createSubject({
      label,
      script: new URL("plain-server.ts", import.meta.url),
      readyPath: "/",
      socketPath: "/",
      env,
      processes,
      storage: openPlainStorage(sql),
    });
  if (options.selfCheck) return { plain: createPlain("plain"), ours: createPlain("plain again") };
  const ours = createSubject({
    label: "ours",
    script: new URL("../server/main.ts", import.meta.url),
    readyPath: "/readyz",
    socketPath: "/collaboration",
    env,
    processes,
    storage: openOurStorage(sql, processes, env),
  });
  return { plain: createPlain("plain"), ours };
}

function notes(postgres: BenchPostgres, loadBefore: number, seconds: number): string[] {
  return [
    "Medians of the rounds; ratio = ours / plain within one round. Load, servers and PostgreSQL share the machine:",
    "the ratios of one run mean something, the absolute figures do not.",
    `${availableParallelism()} cores, Node ${process.versions.node}, PostgreSQL ${postgres.version}, load average before ${loadBefore.toFixed(2)}, ${seconds.toFixed(0)} s in all.`,
    ...(loadBefore > 0.5
      ? ["The machine was busy before the bench began: expect a wide spread."]
      : []),
    ...(isRecorded("seph-blog1")
      ? []
      : ["No recorded traces found; generated ones were replayed."]),
  ];
}

type Report = { lines: Line[]; failures: string[] };

/** Every row has a load process of its own; a row that fails is reported, and the others are still measured. */
async function measure(
  options: Options,
  postgres: BenchPostgres,
  processes: Processes,
  signal: AbortSignal,
): Promise<Report> {
  const scale: Scale = options.quick ? "quick" : "full";
  const env = { ...process.env, ...postgres.env, LOG_LEVEL: "warn" };
  const tools = { sql: postgres.sql, env, processes };
  const rivals = createRivals(options, tools);
  const deadline = options.quick ? performance.now() + QUICK_MS : Number.POSITIVE_INFINITY;
  const print = (text: string): void => {
    if (!options.json) process.stdout.write(text);
  };
  print(heading(rivals.plain.label, rivals.ours.label));
  const report: Report = { lines: [], failures: [] };
  for (const scenario of createScenarios(options, scale, { tools, ours: rivals.ours })) {
    const rounds = options.rounds ?? scenario.rounds[scale];
    const load = startLoad(processes, process.env);
    try {
      const settings = { rivals, load, scale, rounds, deadline, signal };
      const lines = toLines(scenario, await runScenario(scenario, settings));
      report.lines.push(...lines);
      if (scenario.columns !== undefined) {
        print(heading(scenario.columns.plain, scenario.columns.ours));
      }
      print(lines.map(formatLine).join(""));
    } catch (error) {
      signal.throwIfAborted();
      const failure = `${scenario.name} failed: ${error instanceof Error ? error.message : String(error)}`;
      report.failures.push(failure);
      print(`${failure}\n`);
    }
    await load.close();
  }
  return report;
}

async function main(): Promise<number> {
  const options = command.parse().opts<Options>();
  const [loadBefore = 0] = loadavg();
  const startedAt = performance.now();
  const processes = createProcesses();
  const interruption = new AbortController();
  const interrupt = (): void => {
    interruption.abort(new Error("Interrupted"));
    processes.killAll();
  };
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  process.once("exit", () => processes.killAll());
  const postgres = await openBenchPostgres(process.env["DATABASE_URL"]);
  try {
    const report = await measure(options, postgres, processes, interruption.signal);
    const remarks = notes(postgres, loadBefore, (performance.now() - startedAt) / 1_000);
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ ...report, notes: remarks }, null, 2)}\n`
        : `\n${remarks.join("\n")}\n`,
    );
    const lost = report.lines.some(({ figure, reached }) => figure === "lost" && reached === false);
    return lost || report.failures.length > 0 ? 1 : 0;
  } finally {
    processes.killAll();
    await postgres.close();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
