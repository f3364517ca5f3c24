import * as Y from "yjs";

/** How far an update's own structs reach, on top of what a document holds. Null: one of them leaves a gap. */
function reachOf(doc: Y.Doc, structs: readonly Struct[]): Map<number, number> | null {
  const reach = new Map<number, number>();
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue;
    const { client, clock } = struct.id;
    const known = reach.get(client) ?? Y.getState(doc.store, client);
    if (clock > known) return null;
    reach.set(client, Math.max(known, clock + struct.length));
  }
  return reach;
}

type Struct = Y.Item | Y.GC | Y.Skip;

/**
 * True when Yjs would let part of this update wait: a struct, or what one hangs on, or what is deleted, is neither in
 * the document nor in the update itself. Nothing is applied.
 * @throws what Yjs throws for bytes that are no update.
 */
export function hasMissingDependencies(doc: Y.Doc, update: Uint8Array): boolean {
  const { structs, ds } = Y.decodeUpdate(update);
  const reach = reachOf(doc, structs);
  if (reach === null) return true;
  const isMissing = (client: number, end: number): boolean =>
    end > (reach.get(client) ?? Y.getState(doc.store, client));
  const hangsLoose = (struct: Struct): boolean =>
    struct instanceof Y.Item &&
    [struct.origin, struct.rightOrigin, struct.parent].some(
      (on) => on instanceof Y.ID && isMissing(on.client, on.clock + 1),
    );
  const deletesMissing = [...ds.clients].some(([client, ranges]) =>
    ranges.some(({ clock, len }) => isMissing(client, clock + len)),
  );
  return deletesMissing || structs.some(hangsLoose);
}
