import * as Y from "yjs";
import { DIAGRAM, FRAGMENT } from "../schema/document-schema.ts";
import type { Place } from "./update-content.ts";
import { indexOf, runOf, type Runs, type Struct } from "./update-runs.ts";

/** Yjs types its types by their events, which are of no interest here. */
type AnyType = Pick<Y.XmlText, "_item">;

/** Why a struct has no place: no such root, not a type that has children, or a reference that no encoder writes. */
export type PlaceFault = "root" | "kind" | "malformed";

const ROOTS: ReadonlyMap<string, Place> = new Map([
  [FRAGMENT, { within: {}, kind: "fragment", depth: 0, key: null }],
  [DIAGRAM, { within: {}, kind: "text", depth: 0, key: null }],
]);

/**
 * Finds where the structs of an update would stand, as Yjs does when it integrates them: a parent that is named, or
 * that of the neighbour. Null: the parent is deleted and collected, and Yjs keeps nothing but the clocks.
 */
export class UpdatePlaces {
  readonly #doc: Y.Doc;
  readonly #runs: Runs;

  constructor(doc: Y.Doc, runs: Runs) {
    this.#doc = doc;
    this.#runs = runs;
  }

  /** Everything that the item refers to must be in the document, or walked. */
  placeOf(item: Y.Item): Place | null | PlaceFault {
    const { origin, rightOrigin, parent, parentSub } = item;
    if (origin !== null) {
      const left = this.#placeAt(origin);
      if (left === null || rightOrigin === null) return left;
      const right = this.#placeAt(rightOrigin);
      return right === null || areInOneList(left, right) ? right && left : "malformed";
    }
    if (rightOrigin !== null) return this.#placeAt(rightOrigin);
    const inside = this.#inside(parent);
    if (parentSub === null || inside === null || typeof inside === "string") return inside;
    return { ...inside, key: parentSub };
  }

  /**
   * True when what the document has of this struct, and the struct, are in one list. Yjs puts the rest behind the
   * known part wherever that is, and throws when it is collected.
   */
  continues({ id: { client } }: Y.Item, known: number, place: Place): boolean {
    const before = this.#placeAt(Y.createID(client, known - 1));
    return before !== null && areInOneList(before, place);
  }

  /**
   * True when finding this item's neighbours would cut a surrogate pair. Yjs puts U+FFFD in place of both halves. An
   * item that is known already, or kept as a clock alone, is not in the log, and the log would still have the pair.
   */
  cutsPair({ origin, rightOrigin }: Y.Item): boolean {
    return (
      (origin !== null && this.#isPairAt(origin, 1)) ||
      (rightOrigin !== null && this.#isPairAt(rightOrigin, 0))
    );
  }

  #isPairAt(id: Y.ID, after: number): boolean {
    const struct = this.#structAt(id);
    if (!(struct instanceof Y.Item && struct.content instanceof Y.ContentString)) return false;
    const at = id.clock - struct.id.clock + after;
    return isHighSurrogate(struct.content.str.charCodeAt(at - 1)) && at < struct.length;
  }

  #structAt(id: Y.ID): Struct | undefined {
    const run = runOf(this.#runs, id);
    if (run === null) return Y.getItem(this.#doc.store, id);
    return run.structs[indexOf(run, id.clock)];
  }

  #inside(parent: unknown): Place | null | PlaceFault {
    if (typeof parent === "string") return ROOTS.get(parent) ?? "root";
    return parent instanceof Y.ID ? this.#insideItem(parent) : "malformed";
  }

  #placeAt(id: Y.ID): Place | null | PlaceFault {
    const run = runOf(this.#runs, id);
    if (run !== null) return run.places[indexOf(run, id.clock)] ?? null;
    const struct = Y.getItem(this.#doc.store, id) as Struct;
    if (!(struct instanceof Y.Item)) return null;
    const inside = this.#insideType(struct.parent as AnyType);
    if (struct.parentSub === null || typeof inside === "string") return inside;
    return { ...inside, key: struct.parentSub };
  }

  #insideItem(id: Y.ID): Place | null | PlaceFault {
    const run = runOf(this.#runs, id);
    const index = run === null ? 0 : indexOf(run, id.clock);
    const struct = run?.structs[index] ?? Y.getItem(this.#doc.store, id);
    if (!(struct instanceof Y.Item) || struct.content instanceof Y.ContentDeleted) return null;
    if (!(struct.content instanceof Y.ContentType)) return "malformed";
    if (run === null) return this.#insideType(struct.content.type);
    const around = run.places[index] ?? null;
    const { type } = struct.content;
    return around && { within: type, kind: kindOf(type), depth: around.depth + 1, key: null };
  }

  #insideType(type: AnyType): Place | PlaceFault {
    if (type._item === null) {
      for (const [name, place] of ROOTS) if (this.#doc.share.get(name) === type) return place;
      return "root";
    }
    // Documents may be older than this check, and hold what it would have refused.
    if (!(type instanceof Y.XmlElement || type instanceof Y.XmlText)) return "kind";
    return { within: type, kind: kindOf(type), depth: depthOf(type), key: null };
  }
}

/** The type that a place is in: the document's, or a new one of the update; undefined: a root that nobody has used yet. */
export const typeAt = ({ within, kind, depth }: Place, doc: Y.Doc): object | undefined =>
  depth > 0 ? within : doc.share.get(kind === "fragment" ? FRAGMENT : DIAGRAM);

const areInOneList = (one: Place | PlaceFault, other: Place | PlaceFault): boolean =>
  typeof one !== "string" &&
  typeof other !== "string" &&
  one.within === other.within &&
  one.key === other.key;

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;

const kindOf = (type: AnyType): Place["kind"] => (type instanceof Y.XmlText ? "text" : "element");

function depthOf(type: AnyType): number {
  let depth = 0;
  for (let item = type._item; item !== null; depth += 1) {
    item = (item.parent as AnyType)._item;
  }
  return depth;
}
