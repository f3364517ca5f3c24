import type { DoorRequest } from "./api-door.ts";
import type { GeneratedRequest } from "./api-generated.ts";
import type { World } from "./api-world.ts";

/** Cursors that lists have answered, under the lists' names. */
export type Cursors = ReadonlyMap<string, readonly string[]>;

/** Fills the markers of a generated request with what a world holds, and with cursors that lists have answered. */
export function fillIn(
  { operation, method, path, headers, body, caller }: GeneratedRequest,
  world: World,
  seen: Cursors,
): DoorRequest {
  const cursorsOf = (index: number): readonly string[] =>
    // Half of them the list's own, the others any list's.
    index % 2 === 0 ? (seen.get(operation.operationId) ?? []) : [...seen.values()].flat();
  const who = world.caller(caller);
  const owners: Readonly<Record<string, Readonly<Record<string, string | number | null>>>> = {
    own: world.own,
    foreign: world.foreign,
    caller: { ...who, keyId: who.ownKeyId },
  };
  const fill = (text: string): string =>
    text
      .replaceAll("«token»", who.token === null ? "" : `Bearer ${who.token}`)
      .replaceAll(/«cursor\.(\d+)(?:\.(\d)\.([\w-]*))?»/gu, (_, index: string, place, value) =>
        cursorAt(
          cursorsOf(Number(index)),
          Number(index),
          place as string | undefined,
          value as string | undefined,
        ),
      )
      .replaceAll(/«(own|foreign|caller)\.(\w+)»/gu, (_, owner: string, key: string) =>
        String(owners[owner]?.[key] ?? `no-${key}`),
      );
  const filled = Object.entries(headers).map(([name, value]) => [name, fill(value)]);
  return {
    method,
    path: fill(path),
    headers: Object.fromEntries(filled.filter(([, value]) => value !== "")) as Record<
      string,
      string
    >,
    ...(body !== null && method !== "HEAD" && { body: fill(body) }),
  };
}

/** A cursor with one of its parts, the order, the value or the id, exchanged. */
export function twistCursor(cursor: string, place: number, value: unknown): string {
  const parts = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
  return Buffer.from(JSON.stringify(parts.with(place, value))).toString("base64url");
}

/** A cursor that some list has answered; with `place` and `value`, one part of it exchanged. */
function cursorAt(
  cursors: readonly string[],
  index: number,
  place: string | undefined,
  value: string | undefined,
): string {
  const cursor = cursors[index % Math.max(1, cursors.length)];
  if (cursor === undefined || place === undefined || value === undefined) return cursor ?? "none";
  return twistCursor(cursor, Number(place), safely(Buffer.from(value, "base64url").toString()));
}

/** It may have been cut short: then it is the text that it is. */
function safely(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
