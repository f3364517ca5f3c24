import * as Y from "yjs";
import { compactDocument } from "../../persistence/compaction.ts";
import type { Sql } from "../../persistence/database.ts";
import { projectDocument } from "../../persistence/projection.ts";
import { difference } from "../../persistence/proof.ts";
import type { Node } from "../../server/node.ts";
import { replay } from "../support/replay.ts";
import { until } from "../support/until.ts";
import { type Attacker, openAttacker } from "./attacker.ts";
import { honestUpdate, type Random, upTo } from "./honest-edits.ts";
import { mutated } from "./mutations.ts";
import { strayItems } from "./stray-items.ts";
import { structSoup } from "./struct-soup.ts";

/** An update that broke a promise, with the document it was sent to. */
export type Crasher = {
  readonly what: string;
  readonly state: Uint8Array;
  readonly update: Uint8Array;
};

/** Where the documents live. */
export type FuzzGround = {
  readonly sql: Sql;
  readonly node: Node & { readonly url: string };
  /** Two people who may edit. */
  readonly tokens: { readonly attacker: string; readonly honest: string };
};

/** What happened to the updates of a document. */
export type FuzzCounts = { sent: number; accepted: number; refused: number };

/** Codes that a refused update may close its socket with: bad_update and too_large. */
const REFUSALS: readonly number[] = [4400, 4413];

/** Between two comparisons of memory and log. */
const CHECK_EVERY = 200;

const HONEST_EVERY = 10;

/** Mutations of one pair of honest edits. */
const NEW_BASE_EVERY = 5;

const ATTACKERS_CLIENTS = 5;

/** Sends `count` hostile updates to a new document, with honest edits between them. @throws Crasher, as a cause. */
export async function fuzzDocument(
  { sql, node, tokens }: FuzzGround,
  place: { readonly documentId: string; readonly name: string },
  count: number,
  random: Random,
): Promise<FuzzCounts> {
  const { name } = place;
  const open = (token: string): Promise<Attacker> => openAttacker({ url: node.url, name, token });
  const clients = Array.from({ length: ATTACKERS_CLIENTS }, () => upTo(random, 2 ** 32));
  const honestClient = upTo(random, 2 ** 32);
  const honest = await open(tokens.honest);
  let attacker = await open(tokens.attacker);
  const shadow = new Y.Doc();
  liveDocument(node, name).on("update", (update: Uint8Array) => Y.applyUpdate(shadow, update));
  const counts: FuzzCounts = { sent: 0, accepted: 0, refused: 0 };
  let base = createBase(liveDocument(node, name), { clients, honestClient }, random);
  while (counts.sent < count) {
    const document = liveDocument(node, name);
    const fail = (what: string, update: Uint8Array): never => {
      throw new Error(what, { cause: { what, state: base.state, update } satisfies Crasher });
    };
    if (counts.sent % HONEST_EVERY === 0) {
      const update = honestUpdate(Y.encodeStateAsUpdate(document), honestClient, random);
      const outcome = await honest.send(update);
      if (outcome !== "accepted") fail(`an honest edit got ${outcome}`, update);
    }
    if (counts.sent % NEW_BASE_EVERY === 0) {
      base = createBase(document, { clients, honestClient }, random);
    }
    const update = hostileUpdate(base, [...clients, honestClient], random);
    const outcome = await attacker.send(update);
    counts.sent += 1;
    if (liveDocument(node, name) !== document) fail("the document was discarded", update);
    if (outcome === "accepted") {
      counts.accepted += 1;
      const fault = difference(document, shadow);
      if (fault !== null) fail(`memory is not what it told others: ${fault}`, update);
    } else {
      counts.refused += 1;
      if (!REFUSALS.includes(outcome)) fail(`refused with ${outcome}`, update);
      if (changes(document, shadow)) fail("refused, and applied", update);
      attacker = await open(tokens.attacker);
    }
    if (counts.sent % CHECK_EVERY === 0) {
      const fault = await compareWithLog(sql, node, place);
      if (fault !== null) fail(fault, update);
    }
  }
  shadow.destroy();
  await honest.close();
  await attacker.close();
  await proveRest(sql, node, { ...place, token: tokens.honest });
  return counts;
}

function liveDocument(node: Node, name: string): Y.Doc {
  const live = node.collaboration.documents.live(name);
  if (live === undefined || live.discarded) return new Y.Doc();
  return live.document;
}

/** Honest edits of a moment, to be mutated. */
type Base = {
  readonly state: Uint8Array;
  readonly own: Uint8Array;
  readonly other: Uint8Array;
};

function createBase(
  document: Y.Doc,
  { clients, honestClient }: { readonly clients: readonly number[]; readonly honestClient: number },
  random: Random,
): Base {
  const state = Y.encodeStateAsUpdate(document);
  const client = clients[upTo(random, clients.length)] ?? honestClient;
  return {
    state,
    own: honestUpdate(state, client, random),
    other: honestUpdate(state, honestClient, random),
  };
}

function hostileUpdate(base: Base, clients: readonly number[], random: Random): Uint8Array {
  const choice = random();
  if (choice < 0.2) return structSoup(base.state, clients, random);
  if (choice < 0.3) return strayItems(base.state, clients, random);
  return choice < 0.33 ? base.own : mutated(base.own, base.other, random);
}

/** True when a document has more than it told others. */
const changes = (document: Y.Doc, shadow: Y.Doc): boolean =>
  Buffer.compare(Y.encodeStateVector(document), Y.encodeStateVector(shadow)) !== 0;

/** What memory and log disagree on, once everything is committed. */
async function compareWithLog(
  sql: Sql,
  node: Node,
  { documentId, name }: { readonly documentId: string; readonly name: string },
): Promise<string | null> {
  const live = node.collaboration.documents.live(name);
  await until(() => live === undefined || live.log.isDrained, { timeoutMs: 30_000 });
  const replayed = await replay(sql, documentId);
  const fault = difference(liveDocument(node, name), replayed);
  replayed.destroy();
  return fault === null ? null : `memory is not the log: ${fault}`;
}

/** Left alone, the document can be compacted, projected and opened, and is what it was. */
async function proveRest(
  sql: Sql,
  node: Node & { readonly url: string },
  place: { readonly documentId: string; readonly name: string; readonly token: string },
): Promise<void> {
  const { documentId, name, token } = place;
  const before = await replay(sql, documentId);
  await until(() => node.collaboration.documents.live(name) === undefined, { timeoutMs: 30_000 });
  const versions = { minIntervalMs: 0 };
  // The server's own upkeep may have been quicker; then this one finds fewer rows than it read.
  await compactDocument(sql, { documentId, part: "content" }, { versions }).catch(() => null);
  await projectDocument(sql, documentId);
  const reader = await openAttacker({ url: node.url, name, token });
  const fault = difference(liveDocument(node, name), before);
  await reader.close();
  if (fault === null) return;
  const state = Y.encodeStateAsUpdate(before);
  const what = `after compaction: ${fault}`;
  throw new Error(what, { cause: { what, state, update: new Uint8Array() } satisfies Crasher });
}
