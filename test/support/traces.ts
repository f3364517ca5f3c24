import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import * as Y from "yjs";
import { recordUpdates } from "../../bench/content.ts";
import { createRandom } from "./seed.ts";

type Patch = [position: number, deleteCount: number, insert: string];

/** A history of one writer: the updates of its first transactions, and the text they lead to. */
export type SequentialTrace = { updates: Uint8Array[]; text: string; isWhole: boolean };

/** A history of several writers: each transaction as the update of its agent, in the order of the recording. */
export type ConcurrentTrace = {
  agents: number;
  /** `parents`: the transactions whose state it was made on; each stands earlier in the list. */
  transactions: { agent: number; update: Uint8Array; parents: number[] }[];
};

/** An update that changes nothing. */
const EMPTY_UPDATE = Uint8Array.of(0, 0);

type Transaction = { patches: Patch[]; parents?: number[]; agent?: number };
type TraceFile = {
  startContent?: string;
  endContent: string;
  numAgents?: number;
  txns: Transaction[];
};

/** Beside the project, or where the environment says; absent on most machines. */
const FOLDER =
  process.env["SCRIPTORIUM_TRACES"] ??
  fileURLToPath(new URL("../../../shared/traces/", import.meta.url));

const TYPIST = 1_000_000_000;

function readTraceFile(name: string): TraceFile | null {
  const path = join(FOLDER, `${name}.json.gz`);
  if (!existsSync(path)) return null;
  const json: unknown = JSON.parse(gunzipSync(readFileSync(path)).toString("utf8"));
  return json as TraceFile;
}

interface Text {
  delete(position: number, count: number): void;
  insert(position: number, text: string): void;
}

function applyPatches(text: Text, patches: readonly Patch[]): void {
  for (const [position, deleteCount, insert] of patches) {
    if (deleteCount > 0) text.delete(position, deleteCount);
    if (insert !== "") text.insert(position, insert);
  }
}

/**
 * The first `limit` transactions of a recording, as updates of a document that starts with bench's SKELETON.
 * Where the recording is absent, made-up typing of the same shape. Checks the recording's own end when it is whole.
 */
export function sequentialTrace(name: string, limit: number): SequentialTrace {
  const file = readTraceFile(name);
  const transactions = file?.txns.slice(0, limit) ?? madeUp(Math.min(limit, 20_000));
  let text = "";
  const updates = recordUpdates(TYPIST, (target, document) => {
    for (const { patches } of transactions) document.transact(() => applyPatches(target, patches));
    text = target.toString();
  });
  const isWhole = file !== null && transactions.length === file.txns.length;
  if (isWhole && text !== file.endContent) throw new Error(`${name} does not end as it says`);
  return { updates, text, isWhole };
}

/** Typing at places that jump about, every seventh keystroke a deletion. */
function madeUp(count: number): Transaction[] {
  const random = createRandom();
  let [length, position] = [0, 0];
  return Array.from({ length: count }, () => {
    if (random() < 0.02) position = Math.floor(random() * (length + 1));
    if (position > 0 && random() < 1 / 7) {
      position -= 1;
      length -= 1;
      return { patches: [[position, 1, ""]] };
    }
    position += 1;
    length += 1;
    return { patches: [[position - 1, 0, String.fromCharCode(97 + Math.floor(random() * 26))]] };
  });
}

/** The first `limit` transactions of a concurrent recording; made-up ones where it is absent. */
export function concurrentTrace(name: string, limit: number): ConcurrentTrace {
  const file = readTraceFile(name);
  const transactions = file?.txns.slice(0, limit) ?? madeUpConcurrent(Math.min(limit, 4000));
  const agents = file?.numAgents ?? 2;
  const documents = Array.from({ length: agents }, () => new Y.Doc());
  const known = documents.map(() => new Set<number>());
  const updates: Uint8Array[] = [];
  const learn = (agent: number, transaction: number): void => {
    // Ancestors first: an update that waits for another would be merged later than its writer saw it.
    const open = [transaction];
    for (let next = open.at(-1); next !== undefined; next = open.at(-1)) {
      const unknown = (transactions[next]?.parents ?? []).filter(
        (parent) => !known[agent]?.has(parent),
      );
      if (unknown.length > 0 && !known[agent]?.has(next)) {
        open.push(...unknown);
        continue;
      }
      open.pop();
      if (known[agent]?.has(next)) continue;
      known[agent]?.add(next);
      const [document, update] = [documents[agent], updates[next]];
      if (document !== undefined && update !== undefined) Y.applyUpdate(document, update);
    }
  };
  for (const [index, { parents = [], agent = 0, patches }] of transactions.entries()) {
    for (const parent of parents) learn(agent, parent);
    const document = documents[agent] ?? new Y.Doc();
    const keep = (update: Uint8Array): void => {
      updates[index] = update;
    };
    document.once("update", keep);
    document.transact(() => applyPatches(document.getText("diagram"), patches));
    known[agent]?.add(index);
  }
  return {
    agents,
    transactions: transactions.map(({ agent = 0, parents = [] }, index) => ({
      agent,
      parents,
      update: updates[index] ?? EMPTY_UPDATE,
    })),
  };
}

/** Two who type at the front at the same time, and hear of each other now and then. */
function madeUpConcurrent(count: number): Transaction[] {
  const random = createRandom();
  const last: (number | undefined)[] = [undefined, undefined];
  return Array.from({ length: count }, (_, index) => {
    const agent = random() < 0.5 ? 0 : 1;
    const heard = random() < 0.2 ? [last[1 - agent]] : [];
    const parents = [last[agent], ...heard].filter((parent) => parent !== undefined);
    last[agent] = index;
    return {
      agent,
      parents,
      patches: [[0, 0, String.fromCharCode(97 + Math.floor(random() * 26))]],
    };
  });
}
