import type { Sql } from "../../persistence/database.ts";
import type { CallerName } from "./api-callers.ts";
import type { Door, DoorAnswer } from "./api-door.ts";
import {
  partsFor,
  requestOf,
  ROUTE_ROWS,
  signedBy,
  type Parts,
  type RouteRow,
} from "./api-fixtures.ts";
import type { Target } from "./api-oracle.ts";
import type { World } from "./api-world.ts";

/** What provocations work with. */
export type Scene = { readonly world: World; readonly door: Door; readonly sql: Sql };

/** Makes a route answer with one code; null where this way does not lead there. */
export type Provocation = (row: RouteRow, scene: Scene) => Promise<DoorAnswer | null>;

type Changes = {
  readonly caller?: CallerName;
  readonly target?: Target;
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly change?: (parts: Parts) => Parts;
};

/** Sends a route's valid request as an admin does, but for these changes. */
export function sendChanged(
  row: RouteRow,
  { world, door }: Pick<Scene, "world" | "door">,
  { caller: name = "admin", target = "own", headers = {}, change = (parts) => parts }: Changes,
): Promise<DoorAnswer> {
  const caller = world.caller(name);
  const setting =
    target === "own"
      ? { tenancy: world.own, caller }
      : { tenancy: world.foreign, caller: world.caller("outsider") };
  const parts = change(partsFor(row, setting));
  return door.send(requestOf(row, parts, { ...signedBy(caller), ...headers }));
}

/** Parts with another body. */
export const withBody =
  (body: unknown) =>
  (parts: Parts): Parts => ({ ...parts, body });

/** Sends the valid request with other fields in its body. */
export const changing =
  (fields: (scene: Scene, row: RouteRow) => object | Promise<object>): Provocation =>
  async (row, scene) => {
    const changed = await fields(scene, row);
    return sendChanged(row, scene, {
      change: (parts) => ({ ...parts, body: { ...(parts.body as object), ...changed } }),
    });
  };

/** A route of the contract that has one level. @throws Error when there is none of this name. */
export function routeNamed(name: string): RouteRow {
  const row = ROUTE_ROWS.find((each) => each.name === name);
  if (row === undefined) throw new Error(`there is no ${name}`);
  return row;
}
