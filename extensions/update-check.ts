import * as Y from "yjs";
import { contentFault, type DepthLimits, type Place } from "./update-content.ts";
import { UpdateEffort } from "./update-effort.ts";
import { UpdateOrder } from "./update-order.ts";
import { UpdatePlaces } from "./update-places.ts";
import type { Run, Runs, Struct } from "./update-runs.ts";

/** Why an update is refused; the sentence is for the log. */
export const UPDATE_FAULTS = {
  size: "the update has too many bytes",
  unreadable: "the bytes are no update",
  malformed: "no encoder writes such an update",
  structs: "the update has too many parts",
  clients: "too many new Yjs client ids",
  foreign_client: "another author, who is here, writes under this Yjs client id",
  clock: "a client id or a clock is out of bounds",
  root: "a root that documents do not have",
  kind: "content that does not fit where it was put",
  key: "a name that is not allowed",
  depth: "nested too deep",
  value: "a value that is not JSON",
  dependency: "what the update depends on did not come",
  cost: "applying it takes too long",
  pace: "the updates of this author make the server look through too much",
  threw: "the update threw on its way in",
} as const;

/** The closed set of reasons; also the label of a metric. */
export type UpdateFault = keyof typeof UPDATE_FAULTS;

/** What one update may hold. */
export type UpdateLimits = DepthLimits & { readonly maxStructs: number };

/** What was found out about an update. */
export type CheckedUpdate = {
  readonly fault: UpdateFault | null;
  /** It waits for an update that the document does not have: not all of it could be looked at. */
  readonly isIncomplete: boolean;
  /** The clients of whom it holds something that the document lacks. */
  readonly news: readonly number[];
  /** How many of them it has never heard of. */
  readonly newcomers: number;
  /** Yjs may have so much to do that it is to be tried apart first. */
  readonly isLarge: boolean;
  /** How many items were looked through to judge it, as Yjs may have to when it places them; of a refused one, too. */
  readonly looked: number;
};

/** An update as `Y.decodeUpdate` gives it. */
export type DecodedUpdate = ReturnType<typeof Y.decodeUpdate>;

/**
 * A billion. Who types a key every second for thirty years does not get there. Clocks stay small integers for V8 and
 * far below what Yjs' run-length encoders can hold, so that what is written can be read again.
 */
const MAX_CLOCK = 2 ** 30;

/** Yjs draws client ids from 32 bits. */
const MAX_CLIENT_ID = 2 ** 32 - 1;

/**
 * Judges an update before anything of it is applied, against what the document holds. Changes nothing.
 *
 * Structs are walked in an order in which Yjs could integrate them, each after what it refers to. So what is
 * incomplete is known beforehand, and the place of each struct follows from places that are known.
 */
export function checkUpdate(
  { structs, ds }: DecodedUpdate,
  doc: Y.Doc,
  limits: UpdateLimits,
): CheckedUpdate {
  let ranges = 0;
  for (const deleted of ds.clients.values()) ranges += deleted.length;
  if (structs.length + ranges > limits.maxStructs) return refused("structs");
  const runs = toRuns(structs, doc);
  if (typeof runs === "string") return refused(runs);
  const order = new UpdateOrder(doc, runs);
  const effort = new UpdateEffort(doc);
  const walked = walk(runs, new UpdatePlaces(doc, runs), { doc, ds, limits, order, effort });
  if (typeof walked === "string") return refused(walked, order.count);
  const deletions = checkDeletions(ds, runs, doc);
  if (typeof deletions === "string") return refused(deletions, order.count);
  const news: number[] = [];
  let newcomers = 0;
  for (const { client, known, reached } of runs.values()) {
    if (reached > known) news.push(client);
    if (reached > 0 && known === 0) newcomers += 1;
  }
  const isIncomplete = !walked || !deletions;
  return {
    fault: null,
    isIncomplete,
    news,
    newcomers,
    isLarge: effort.isLargeWith(ds.clients),
    looked: order.count,
  };
}

const refused = (fault: UpdateFault, looked = 0): CheckedUpdate => ({
  fault,
  isIncomplete: false,
  news: [],
  newcomers: 0,
  isLarge: false,
  looked,
});

/** An encoder writes each client once, its structs without a gap (a Skip fills it), none of them empty. */
function toRuns(structs: readonly Struct[], doc: Y.Doc): Map<number, Run> | UpdateFault {
  const runs = new Map<number, Run>();
  let run = null as Run | null;
  let expected = 0;
  for (const struct of structs) {
    const { client, clock } = struct.id;
    if (run?.client !== client) {
      if (runs.has(client)) return "malformed";
      const known = Y.getState(doc.store, client);
      run = { client, structs: [], at: 0, known, reached: known, places: [] };
      runs.set(client, run);
      expected = clock;
      if (client > MAX_CLIENT_ID) return "clock";
    }
    if (clock !== expected || struct.length < 1) return "malformed";
    expected = clock + struct.length;
    if (expected > MAX_CLOCK) return "clock";
    run.structs.push(struct);
  }
  return runs;
}

/** True when every struct found what it refers to. */
function walk(runs: Runs, places: UpdatePlaces, options: WalkOptions): boolean | UpdateFault {
  const ready = [...runs.values()];
  const waiting = new Map<number, Run[]>();
  for (let run = ready.pop(); run !== undefined; run = ready.pop()) {
    const before = run.at;
    const stopped = walkRun(run, runs, places, options);
    if (typeof stopped === "string") return stopped;
    if (stopped !== null) {
      const others = waiting.get(stopped);
      if (others === undefined) waiting.set(stopped, [run]);
      else others.push(run);
    }
    if (run.at === before) continue;
    ready.push(...(waiting.get(run.client) ?? []));
    waiting.delete(run.client);
  }
  return waiting.size === 0;
}

type WalkOptions = {
  readonly doc: Y.Doc;
  readonly ds: DecodedUpdate["ds"];
  readonly limits: UpdateLimits;
  readonly order: UpdateOrder;
  readonly effort: UpdateEffort;
};

/** Walks as far as it goes; answers the client that has to come first, null at the end. */
function walkRun(
  run: Run,
  runs: Runs,
  places: UpdatePlaces,
  { doc, ds, limits, order, effort }: WalkOptions,
): number | null | UpdateFault {
  for (; run.at < run.structs.length; run.at += 1) {
    const struct = run.structs[run.at] as Struct;
    if (struct instanceof Y.Skip) {
      run.places.push(null);
      continue;
    }
    if (struct.id.clock > run.reached) return run.client;
    const missing = struct instanceof Y.Item ? missingFor(struct, runs, doc) : null;
    if (missing !== null) return missing;
    const end = struct.id.clock + struct.length;
    const isNews = end > run.known;
    const place = isNews && struct instanceof Y.Item ? places.placeOf(struct) : null;
    if (typeof place === "string") return place;
    const fault =
      struct instanceof Y.Item ? itemFault(struct, place, run, { places, limits }) : null;
    if (fault !== null) return fault;
    if (place !== null && struct instanceof Y.Item) {
      if (place.key !== null && !isValue(struct, ds)) return "malformed";
      const disorder = order.add(struct, run.known, place);
      if (disorder !== null) return disorder;
      if (struct.content instanceof Y.ContentFormat) {
        effort.addFormat(place, struct.content.key);
      }
    }
    run.places.push(place);
    if (isNews) run.reached = end;
  }
  return null;
}

/** `place`: null where nothing of the item will be kept, or all of it is known. */
function itemFault(
  item: Y.Item,
  place: Place | null,
  { known }: Run,
  { places, limits }: { places: UpdatePlaces; limits: UpdateLimits },
): UpdateFault | null {
  const isKnownInPart = item.id.clock < known;
  if ((isKnownInPart || place === null) && places.cutsPair(item)) return "malformed";
  if (place === null) return null;
  if (isKnownInPart && !places.continues(item, known, place)) return "malformed";
  return contentFault(item.content, place, limits);
}

/**
 * An attribute has one value at a time. Several in one item are past ones, which this update deletes: of those that are
 * not, Yjs would cut some off when a later one names its predecessor, for those who come later and not for those who
 * were there (found by the fuzz target).
 */
function isValue({ id, content, length }: Y.Item, ds: DecodedUpdate["ds"]): boolean {
  if (length === 1 || content instanceof Y.ContentDeleted) return true;
  for (let at = 0; at < length; at += 1) {
    if (!Y.isDeleted(ds, Y.createID(id.client, id.clock + at))) return false;
  }
  return true;
}

/** The client of whom something has to come first. A reference of a client to its own future is no reference. */
function missingFor(
  { id, origin, rightOrigin, parent }: Y.Item,
  runs: Runs,
  doc: Y.Doc,
): number | null | UpdateFault {
  for (const other of [origin, rightOrigin, parent]) {
    if (!(other instanceof Y.ID)) continue;
    if (other.client === id.client) {
      if (other.clock >= id.clock) return "malformed";
    } else if (other.clock >= reachedBy(other.client, runs, doc)) return other.client;
  }
  return null;
}

const reachedBy = (client: number, runs: Runs, doc: Y.Doc): number =>
  runs.get(client)?.reached ?? Y.getState(doc.store, client);

/**
 * True when everything that is deleted is there. Ranges are in order and apart, as every encoder merges them: Yjs
 * walks each range for itself, and many that overlap would cost the square.
 */
function checkDeletions(ds: DecodedUpdate["ds"], runs: Runs, doc: Y.Doc): boolean | UpdateFault {
  let isComplete = true;
  for (const [client, ranges] of ds.clients) {
    let end = 0;
    for (const { clock, len } of ranges) {
      if (clock < end || len < 1) return "malformed";
      end = clock + len;
    }
    if (end > MAX_CLOCK) return "clock";
    if (end > reachedBy(client, runs, doc)) isComplete = false;
  }
  return isComplete;
}
