import type { Parts, RouteRow } from "./api-fixtures.ts";
import type { Tenancy } from "./api-tenancy.ts";

/** A request to an own place in which one other id is another tenant's. */
export type MixedRequest = { readonly at: string; readonly parts: Parts };

/** Every way to put one id of `foreign` beside ids of `own`. The id that the right is checked at stays. */
export function mixedRequests(
  { contract }: Pick<RouteRow, "contract">,
  parts: Parts,
  { own, foreign }: { own: Tenancy; foreign: Tenancy },
): MixedRequest[] {
  const ids = (Object.keys(own) as (keyof Tenancy)[]).filter((key) => key !== "strangerEmail");
  const twins = new Map(ids.map((key) => [String(own[key]), foreign[key]]));
  const { access, query: querySchema } = contract;
  const { params, body } = parts;
  const mixed: MixedRequest[] = [];
  for (const [name, value] of Object.entries(params)) {
    const twin = twins.get(value);
    if (twin === undefined || (access.who === "right" && name === access.in)) continue;
    const changed = { ...params, [name]: String(twin) };
    mixed.push({ at: `path.${name}`, parts: { ...parts, params: changed } });
  }
  for (const name of Object.keys(querySchema?.shape ?? {})) {
    const twin = foreign[name as keyof Tenancy] as string | undefined;
    if (!name.endsWith("Id") || twin === undefined) continue;
    mixed.push({
      at: `query.${name}`,
      parts: { ...parts, query: { ...parts.query, [name]: twin } },
    });
  }
  if (typeof body !== "object" || body === null) return mixed;
  for (const [name, value] of Object.entries(body)) {
    const twin = typeof value === "string" ? twins.get(value) : undefined;
    if (twin === undefined) continue;
    mixed.push({ at: `body.${name}`, parts: { ...parts, body: { ...body, [name]: twin } } });
  }
  return mixed;
}
