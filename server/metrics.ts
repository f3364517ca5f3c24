import { Gauge, Registry } from "prom-client";
import type { FailedAt } from "../extensions/guarded-hooks.ts";
import type { SettledBatch } from "../persistence/document-log.ts";
import type { UpdateLog } from "../persistence/update-log.ts";
import type { UpdateFault } from "../extensions/update-check.ts";
import type { ErrorCode } from "../schema/errors.ts";
import { LIMITS, type Limit } from "../extensions/limits.ts";
import manifest from "../package.json" with { type: "json" };
import { createInstruments, type Instruments } from "./instruments.ts";
import { measureProcess } from "./process-metrics.ts";

/** The parts of a node that are looked at when somebody asks for the metrics. */
export type MeasuredParts = {
  readonly door: { readonly connections: number };
  readonly updateLog: Pick<
    UpdateLog,
    "openDocuments" | "heldAcknowledgements" | "backlogBytes" | "failingSinceMs"
  >;
};

/** A REST request that was answered. `route`: its template, never the path that was asked for. */
export type AnsweredRequest = {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
};

/** What a node counts. Labels come from closed sets: no id, no name and no token is ever one. */
export type Metrics = {
  /** A registry for each node: several live in one process under test. */
  readonly registry: Registry;
  /** Adds what these hold at the moment of asking. Once. */
  readonly watch: (parts: MeasuredParts) => void;
  /** Called for every update: two additions. */
  readonly received: (bytes: number) => void;
  readonly updateRefused: (fault: UpdateFault) => void;
  readonly committed: (batch: SettledBatch) => void;
  readonly statement: (outcome: "committed" | "failed", durationMs: number) => void;
  readonly upkeep: (task: "compaction" | "projection", outcome: string, durationMs: number) => void;
  readonly signInRefused: (code: ErrorCode) => void;
  readonly hookFailed: (at: FailedAt) => void;
  readonly socketCut: (code: ErrorCode) => void;
  readonly answered: (request: AnsweredRequest) => void;
  readonly limitReached: (limit: Limit) => void;
  /** Ends the measuring of the event loop. */
  readonly close: () => void;
};

/** Seconds. A commit takes milliseconds; `COMMIT_TIMEOUT_MS` is 10 s. */
const COMMIT_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const UPKEEP_BUCKETS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60];
const REQUEST_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Makes the metrics of a node; docs/OPERATIONS.md lists them, and a test compares. */
export function createMetrics(unhandledRejections = (): number => 0): Metrics {
  const registry = new Registry();
  const instruments = createInstruments(registry);
  new Gauge({
    name: "scriptorium_build_info",
    help: "Always 1; the labels say what runs",
    labelNames: ["version", "node"],
    registers: [registry],
  }).set({ version: manifest.version, node: process.versions.node }, 1);
  instruments.total(
    name("unhandled_rejections_total"),
    "Rejections that nobody caught; each is a fault of this program",
    unhandledRejections,
  );
  return {
    registry,
    watch: (parts) => addGauges(instruments, parts),
    ...countReceived(instruments),
    ...countCommitted(instruments),
    ...countSockets(instruments),
    ...countWork(instruments),
    ...countLimits(instruments),
    close: measureProcess(instruments),
  };
}

function addGauges({ gauge }: Instruments, { door, updateLog }: MeasuredParts): void {
  gauge("scriptorium_connections", "Open websockets", () => door.connections);
  gauge(
    "scriptorium_documents_open",
    "Documents in memory; a text and its discussion count apart",
    () => updateLog.openDocuments,
  );
  gauge(
    "scriptorium_acknowledgements_held",
    "Acknowledgements that wait for a commit",
    () => updateLog.heldAcknowledgements,
  );
  gauge(
    "scriptorium_backlog_bytes",
    "Received and not yet committed; every update counts 320 bytes more",
    () => updateLog.backlogBytes,
  );
  gauge(
    "scriptorium_storage_failing_since_timestamp_seconds",
    "Since when commits fail, seconds since 1970; 0 while they succeed",
    () => (updateLog.failingSinceMs ?? 0) / 1000,
  );
}

const name = (rest: string): string => `scriptorium_${rest}`;

function countReceived({
  total,
  counter,
}: Instruments): Pick<Metrics, "received" | "updateRefused"> {
  const sums = { updates: 0, bytes: 0 };
  total(name("updates_received_total"), "Updates that changed a document", () => sums.updates);
  total(
    name("updates_received_bytes_total"),
    "Bytes of the updates that changed a document",
    () => sums.bytes,
  );
  const refusals = counter(name("updates_refused_total"), "Updates that the gate refused", {
    labels: ["reason"],
  });
  return {
    updateRefused: (reason) => refusals.inc({ reason }),
    received: (bytes) => {
      sums.updates += 1;
      sums.bytes += bytes;
    },
  };
}

function countCommitted({
  counter,
  durations,
}: Instruments): Pick<Metrics, "committed" | "statement"> {
  const updates = counter(name("updates_committed_total"), "Updates that PostgreSQL committed");
  const rows = counter(
    name("rows_committed_total"),
    "Rows that committed updates were merged into",
  );
  const bytes = counter(
    name("rows_committed_bytes_total"),
    "Bytes of the rows that were committed",
  );
  const waited = durations(
    name("commit_seconds"),
    "From the first queued update of a document's batch until it is committed",
    { buckets: COMMIT_BUCKETS },
  );
  const statements = durations(
    name("commit_statement_seconds"),
    "The statement that commits one batch of all documents",
    { labels: ["outcome"], buckets: COMMIT_BUCKETS },
  );
  return {
    committed: (batch) => {
      updates.inc(batch.updates);
      rows.inc(batch.rows);
      bytes.inc(batch.bytes);
      waited.observe(batch.waitedMs / 1000);
    },
    statement: (outcome, durationMs) => statements.observe({ outcome }, durationMs / 1000),
  };
}

function countSockets({
  counter,
}: Instruments): Pick<Metrics, "signInRefused" | "hookFailed" | "socketCut"> {
  const refusals = counter(
    "scriptorium_sign_ins_refused_total",
    "Documents that were refused to a websocket",
    { labels: ["code"] },
  );
  const hooks = counter(
    "scriptorium_hook_failures_total",
    "Hooks of a live document that threw; each cost one socket",
    { labels: ["hook"] },
  );
  const cuts = counter("scriptorium_sockets_cut_total", "Websockets that the server closed", {
    labels: ["code"],
  });
  return {
    signInRefused: (code) => refusals.inc({ code }),
    hookFailed: (hook) => hooks.inc({ hook }),
    socketCut: (code) => cuts.inc({ code }),
  };
}

function countWork({ counter, durations }: Instruments): Pick<Metrics, "upkeep" | "answered"> {
  const tasks = durations(
    "scriptorium_upkeep_seconds",
    "Compactions and projections, from asked for to done",
    { labels: ["task", "outcome"], buckets: UPKEEP_BUCKETS },
  );
  const requests = counter("scriptorium_rest_requests_total", "REST requests that were answered", {
    labels: ["route", "method", "status"],
  });
  const requestDurations = durations(
    "scriptorium_rest_request_seconds",
    "From the head of a REST request to the head of its answer",
    { labels: ["route", "method"], buckets: REQUEST_BUCKETS },
  );
  return {
    upkeep: (task, outcome, durationMs) => tasks.observe({ task, outcome }, durationMs / 1000),
    answered: ({ route, method, status, durationMs }) => {
      requests.inc({ route, method, status });
      requestDurations.observe({ route, method }, durationMs / 1000);
    },
  };
}

function countLimits({ counter }: Instruments): Pick<Metrics, "limitReached"> {
  const reached = counter(
    name("limits_reached_total"),
    "How often somebody ran into a limit and was refused, slowed down or cut",
    { labels: ["limit"] },
  );
  // All of them from the start: what never happened is 0, not absent.
  for (const limit of LIMITS) reached.inc({ limit }, 0);
  return { limitReached: (limit) => reached.inc({ limit }) };
}
