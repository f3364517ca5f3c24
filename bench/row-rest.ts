import { z } from "zod";
import { fillColdDocuments } from "./cold-documents.ts";
import { startLoad } from "./load.ts";
import type { RestJob } from "./load-rest.ts";
import { documentIdOf } from "./our-storage.ts";
import { FAN_OUT_DOCUMENTS, fanOutJob } from "./row-fan-out.ts";
import type { CompactionTools } from "./row-compaction.ts";
import type { Context, Figure, Measurement, Scale, Scenario } from "./scenario.ts";

const COLD_DOCUMENTS = 30;
const READS_PER_SECOND = 200;

const SECONDS: Record<Scale, number> = { quick: 4, full: 10 };

/** The figures of the readers; none in the turn without them. */
const NOT_READ = {
  readP50: Number.NaN,
  readP99: Number.NaN,
  errors: Number.NaN,
  readsPerSecond: Number.NaN,
};

const Made = z.object({ token: z.string() });

/** A key as a user would make it, over REST: it reaches the whole organization and may only read. */
async function createKey(origin: string, token: string, organizationId: string): Promise<string> {
  const answer = await fetch(`${origin}/api/v1/organizations/${organizationId}/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "bench", scopes: ["docs:read"], role: "viewer" }),
  });
  return Made.parse(await answer.json()).token;
}

/** Documents to type in, documents to read, somebody to read them, and everything read once. */
async function prepare({ subject }: Context, { sql }: CompactionTools) {
  const { token, names } = await subject.prepare(FAN_OUT_DOCUMENTS + COLD_DOCUMENTS);
  const ids = names.map(documentIdOf);
  const cold = ids.slice(FAN_OUT_DOCUMENTS);
  await fillColdDocuments(sql, cold);
  // They count as projected, and their columns are empty: the first read fills them.
  await sql`update yjs_documents set projected_seq = 0 where document_id = any(${cold}::uuid[])`;
  const [place] = await sql<{ organizationId: string; projectId: string }[]>`
    select p.organization_id as "organizationId", p.id as "projectId"
      from projects p join documents d on d.project_id = p.id where d.id = ${ids[0] ?? ""}`;
  if (place === undefined) throw new Error("Nothing was prepared");
  const origin = new URL(subject.url().replace(/^ws/u, "http")).origin;
  const tokens = [token, await createKey(origin, token, place.organizationId)];
  const typed = ids.slice(0, FAN_OUT_DOCUMENTS);
  const job: RestJob = { origin, tokens, projectId: place.projectId, typed, cold };
  return { token, names: names.slice(0, FAN_OUT_DOCUMENTS), job };
}

async function run(
  context: Context,
  tools: CompactionTools,
  seconds: number,
): Promise<Measurement> {
  const { subject, load, turn } = context;
  const { token, names, job } = await prepare(context, tools);
  // A process of its own: what reads must not hold up what measures the fan-out.
  const reader = startLoad(tools.processes, tools.env);
  try {
    await reader.run("readOnce", job);
    const begun = Promise.withResolvers<void>();
    const size = { readsPerSecond: READS_PER_SECOND, seconds };
    const reading = begun.promise.then(() =>
      turn === "ours" ? reader.run("readEvenly", { ...job, ...size }) : null,
    );
    const typing = load.run(
      "fanOut",
      fanOutJob(subject.url(), { token, names, seconds }),
      (phase) => {
        if (phase === "begin") begun.resolve();
      },
    );
    const [{ delivered, acknowledged }, read] = await Promise.all([typing, reading]);
    return {
      deliveredP50: delivered.p50,
      deliveredP99: delivered.p99,
      acknowledgedP99: acknowledged.p99,
      ...(read === null ? NOT_READ : figuresOf(read)),
    };
  } finally {
    await reader.close();
  }
}

const figuresOf = (read: {
  answered: { p50: number; p99: number };
  errors: number;
  readsPerSecond: number;
}): typeof NOT_READ => ({
  readP50: read.answered.p50,
  readP99: read.answered.p99,
  errors: read.errors,
  readsPerSecond: read.readsPerSecond,
});

const FIGURES: readonly Figure[] = [
  {
    key: "deliveredP50",
    label: "fan-out p50, 1,000 updates/s, 200 REST reads/s beside them",
    unit: "ms",
    target: { kind: "none" },
  },
  {
    key: "deliveredP99",
    label: "fan-out p99",
    unit: "ms",
    target: { kind: "ratio-at-most", value: 1.2 },
  },
  {
    key: "acknowledgedP99",
    label: "acknowledgement p99",
    unit: "ms",
    target: { kind: "at-most", value: 20 },
  },
  {
    key: "errors",
    label: "REST reads that were not answered with 200",
    unit: "count",
    target: { kind: "at-most", value: 0 },
  },
  { key: "readP50", label: "  REST p50", unit: "ms", target: { kind: "none" } },
  { key: "readP99", label: "  REST p99", unit: "ms", target: { kind: "none" } },
  {
    key: "readsPerSecond",
    label: "  REST reads/s that were reached",
    unit: "per-second",
    target: { kind: "none" },
  },
];

/** This server beside itself: the same typing, without and with people and agents reading over REST. */
export const createRest = (tools: CompactionTools): Scenario => ({
  name: "rest",
  columns: { plain: "quiet", ours: "reading" },
  figures: FIGURES,
  rounds: { quick: 2, full: 5 },
  warmUp: async (context) => void (await run({ ...context, turn: "ours" }, tools, 2)),
  measure: (context) => run(context, tools, SECONDS[context.scale]),
});
