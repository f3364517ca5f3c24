import * as Y from "yjs";
import type { Place } from "./update-content.ts";
import { typeAt } from "./update-places.ts";

/** Items that Yjs may go through to tidy up after one update: a few milliseconds. */
const MAX_EFFORT = 500_000;

/** What is needed of Yjs' texts. */
type Text = { readonly _start: Y.Item | null; readonly _hasFormatting?: boolean };

/** So many structs of a client are moved in the time in which one item is looked at. */
const MOVED_AT_ONCE = 8;

type Deletions = ReadonlyMap<number, readonly { readonly clock: number; readonly len: number }[]>;

/**
 * Tells how much Yjs tidies up after an update, which its size does not. After a new format, or one that is deleted, it
 * walks the whole text, and at every piece copies the formats that are open there. After anything else that is deleted
 * from a text with formats, it walks what is deleted around it, for each piece anew: eight bytes that delete 49,000
 * pieces were 32 seconds (found by hand). Each cut of an item moves all that its client wrote later.
 */
export class UpdateEffort {
  readonly #doc: Y.Doc;
  /** Texts that are walked whole, and the keys of their new formats. */
  readonly #formatted = new Map<Text, Set<string>>();
  /** Of the others with formats, how many pieces are deleted. */
  readonly #deleted = new Map<Text, number>();
  #steps = 0;

  constructor(doc: Y.Doc) {
    this.#doc = doc;
  }

  /** A new format. What is in a new text is no more than the update. */
  addFormat(place: Place, key: string): void {
    const text = typeAt(place, this.#doc);
    if (text instanceof Y.Text && text.doc !== null) this.#keysOf(text).add(key);
  }

  /** Tells, once all formats are added, whether it is too much to be done without having tried it. */
  isLargeWith(deletions: Deletions): boolean {
    for (const [client, ranges] of deletions) {
      for (const { clock, len } of ranges) this.#addDeletion(client, clock, clock + len);
    }
    for (const [text, { size }] of this.#formatted) this.#walkFormats(text, size);
    for (const [text, pieces] of this.#deleted) {
      if (!this.#formatted.has(text)) this.#walkPieces(text, pieces);
    }
    return this.#steps > MAX_EFFORT;
  }

  #addDeletion(client: number, clock: number, end: number): void {
    const structs = this.#doc.store.clients.get(client);
    if (structs === undefined || clock >= Y.getState(this.#doc.store, client)) return;
    let isNews = false;
    for (let at = Y.findIndexSS(structs, clock); this.#steps <= MAX_EFFORT; at += 1) {
      const item: unknown = structs[at];
      if (!(item instanceof Y.Item || item instanceof Y.GC) || item.id.clock >= end) break;
      // Whoever comes back brings all that was ever deleted: Yjs passes over it, and so does this.
      if (!(item instanceof Y.Item) || item.deleted) continue;
      isNews = true;
      this.#steps += 1;
      const text = item.parent as Text;
      if (text._hasFormatting !== true) continue;
      if (item.content instanceof Y.ContentFormat) this.#keysOf(text);
      else this.#deleted.set(text, (this.#deleted.get(text) ?? 0) + 1);
    }
    if (isNews) this.#steps += Math.ceil(structs.length / MOVED_AT_ONCE);
  }

  #walkFormats(text: Text, newKeys: number): void {
    const open = new Set<string>();
    for (let at = text._start; at !== null && this.#steps <= MAX_EFFORT; at = at.right) {
      this.#steps += 1;
      if (at.deleted) continue;
      if (!(at.content instanceof Y.ContentFormat)) this.#steps += open.size + newKeys;
      else if (at.content.value === null) open.delete(at.content.key);
      else open.add(at.content.key);
    }
  }

  #walkPieces(text: Text, pieces: number): void {
    for (let at = text._start; at !== null && this.#steps <= MAX_EFFORT; at = at.right) {
      this.#steps += pieces;
    }
  }

  #keysOf(text: Text): Set<string> {
    const known = this.#formatted.get(text);
    if (known !== undefined) return known;
    const keys = new Set<string>();
    this.#formatted.set(text, keys);
    return keys;
  }
}
