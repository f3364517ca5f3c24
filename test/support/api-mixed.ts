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
  const twins = new Map(ids.map((key) => [String(own[key]), String(foreign[key])]));
  const { access, query: querySchema } = contract;
  const { params, body } = parts;
  const mixed: MixedRequest[] = [];
  for (const [name, value] of Object.entries(params)) {
    const twin = twins.get(value);
    if (twin === undefined || (access.who === "right" && name === access.in)) continue;
    mixed.push({ at: `path.${name}`, parts: { ...parts, params: { ...params, [name]: twin } } });
  }
  for (const name of Object.keys(querySchema?.shape ?? {})) {
    const twin = foreign[name as keyof Tenancy] as string | undefined;
    if (!name.endsWith("Id") || twin === undefined) continue;
    mixed.push({
      at: `query.${name}`,
      parts: { ...parts, query: { ...parts.query, [name]: twin } },
    });
  }
  const bodies = exchanged(body, "body", (id) => twins.get(id));
  return [...mixed, ...bodies.map(({ at, value }) => ({ at, parts: { ...parts, body: value } }))];
}

/** … and in which what is named after the document, or after the suggestion, is another's of the same tenant. */
export function straysIn(
  { contract: { path } }: Pick<RouteRow, "contract">,
  parts: Parts,
  { otherDocumentId, otherSuggestionId }: Tenancy,
): MixedRequest[] {
  const others = { documentId: otherDocumentId, suggestionId: otherSuggestionId };
  return Object.entries(others).flatMap(([name, other]) => {
    const [, after] = path.split(`{${name}}`);
    const holds = after?.includes("{") === true || (name === "suggestionId" && after !== undefined);
    if (!holds || (name === "suggestionId" && parts.body === undefined)) return [];
    return [
      { at: `path.${name}`, parts: { ...parts, params: { ...parts.params, [name]: other } } },
    ];
  });
}

type Exchanged = { readonly at: string; readonly value: unknown };

/** A JSON value with one of its texts or names exchanged, once for each that has a twin. */
function exchanged(
  value: unknown,
  at: string,
  twinOf: (text: string) => string | undefined,
): Exchanged[] {
  if (typeof value === "string") {
    const twin = twinOf(value);
    return twin === undefined ? [] : [{ at, value: twin }];
  }
  if (Array.isArray(value)) {
    return value.flatMap((each: unknown, index) =>
      exchanged(each, `${at}.${index}`, twinOf).map((found) => ({
        at: found.at,
        value: value.with(index, found.value) as unknown,
      })),
    );
  }
  if (typeof value !== "object" || value === null) return [];
  const entries = Object.entries(value);
  return entries.flatMap(([name, each], index) => {
    const twin = twinOf(name);
    const renamed = twin === undefined ? [] : [{ at: `${at}.{${name}}`, entry: [twin, each] }];
    const inside = exchanged(each, `${at}.${name}`, twinOf).map((found) => ({
      at: found.at,
      entry: [name, found.value],
    }));
    return [...renamed, ...inside].map((found) => ({
      at: found.at,
      value: Object.fromEntries(entries.with(index, found.entry as [string, unknown])) as unknown,
    }));
  });
}
