import * as encoding from "lib0/encoding";

/** Where an item stands: under a root, in a type, or beside another item. */
export type RawPlace =
  | { readonly root: string; readonly key?: string }
  | { readonly parent: readonly [client: number, clock: number]; readonly key?: string }
  | {
      readonly origin?: readonly [client: number, clock: number];
      readonly rightOrigin?: readonly [client: number, clock: number];
    };

/** Writes what no encoder of Yjs would: one struct after the other, as bytes (source: yjs `encoding.js`, v1). */
export type RawStruct = (encoder: encoding.Encoder) => void;

/** A struct of collected content. */
export const gc =
  (length: number): RawStruct =>
  (encoder) => {
    encoding.writeUint8(encoder, 0);
    encoding.writeVarUint(encoder, length);
  };

/** A gap: clocks that the update does not have. */
export const skip =
  (length: number): RawStruct =>
  (encoder) => {
    encoding.writeUint8(encoder, 10);
    encoding.writeVarUint(encoder, length);
  };

/** Yjs' numbers of contents. */
export const CONTENT = {
  deleted: 1,
  json: 2,
  binary: 3,
  text: 4,
  embed: 5,
  format: 6,
  type: 7,
  any: 8,
  doc: 9,
} as const;

function writeId(encoder: encoding.Encoder, [client, clock]: readonly [number, number]): void {
  encoding.writeVarUint(encoder, client);
  encoding.writeVarUint(encoder, clock);
}

/** An item whose content `write` puts there. */
export const item =
  (place: RawPlace, content: number, write: (encoder: encoding.Encoder) => void): RawStruct =>
  (encoder) => {
    const { origin, rightOrigin } = "root" in place || "parent" in place ? {} : place;
    const key = "key" in place ? place.key : undefined;
    const flags =
      (origin === undefined ? 0 : 128) |
      (rightOrigin === undefined ? 0 : 64) |
      (key === undefined ? 0 : 32);
    encoding.writeUint8(encoder, content | flags);
    if (origin !== undefined) writeId(encoder, origin);
    if (rightOrigin !== undefined) writeId(encoder, rightOrigin);
    if ("root" in place) {
      encoding.writeVarUint(encoder, 1);
      encoding.writeVarString(encoder, place.root);
    } else if ("parent" in place) {
      encoding.writeVarUint(encoder, 0);
      writeId(encoder, place.parent);
    }
    if (key !== undefined) encoding.writeVarString(encoder, key);
    write(encoder);
  };

/** An item with text. */
export const text = (place: RawPlace, value: string): RawStruct =>
  item(place, CONTENT.text, (encoder) => encoding.writeVarString(encoder, value));

/** An item with a text of an element, empty. */
export const xmlText = (place: RawPlace): RawStruct =>
  item(place, CONTENT.type, (encoder) => encoding.writeVarUint(encoder, 6));

/** An item where a format begins or ends; `json`: its value. */
export const format = (place: RawPlace, key: string, json: string): RawStruct =>
  item(place, CONTENT.format, (encoder) => {
    encoding.writeVarString(encoder, key);
    encoding.writeVarString(encoder, json);
  });

/** An item with an element of this name. */
export const element = (place: RawPlace, name: string): RawStruct =>
  item(place, CONTENT.type, (encoder) => {
    encoding.writeVarUint(encoder, 3);
    encoding.writeVarString(encoder, name);
  });

/** An item with values, as attributes have them. */
export const any = (place: RawPlace, ...values: readonly unknown[]): RawStruct =>
  item(place, CONTENT.any, (encoder) => {
    encoding.writeVarUint(encoder, values.length);
    for (const value of values) encoding.writeAny(encoder, value as undefined);
  });

type RawClient = { client: number; clock?: number; structs: readonly RawStruct[] };

/** An update of these clients' structs, each from its first clock on, and no deletions. */
export const rawUpdate = (...clients: readonly RawClient[]): Uint8Array => rawUpdateOf(clients);

/** The same, of more clients than a call takes arguments. */
export function rawUpdateOf(clients: readonly RawClient[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, clients.length);
  for (const { client, clock = 0, structs } of clients) {
    encoding.writeVarUint(encoder, structs.length);
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    for (const write of structs) write(encoder);
  }
  encoding.writeVarUint(encoder, 0);
  return encoding.toUint8Array(encoder);
}
