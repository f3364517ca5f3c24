import { MAX_CONTENT_BYTES } from "../../schema/api/contract.ts";
import type { ErrorCode } from "../../schema/errors.ts";
import { CALLER_NAMES, traitsOf, type CallerName } from "./api-callers.ts";
import type { DoorAnswer } from "./api-door.ts";
import { partsFor, type RouteRow } from "./api-fixtures.ts";
import { mixedRequests } from "./api-mixed.ts";
import { verdictOf } from "./api-oracle.ts";
import { sendChanged, withBody, type Provocation, type Scene } from "./api-sending.ts";
import { SITUATIONS } from "./api-situations.ts";

/** A caller that the oracle expects this refusal for. */
function refusedCaller(row: RouteRow, code: ErrorCode): CallerName | undefined {
  return CALLER_NAMES.find((name) => verdictOf(traitsOf(name), row, "own") === code);
}

const notFound: Provocation = async (row, scene) => {
  const { access, params } = row.contract;
  if ((access.who === "person" || access.who === "signed-in") && params !== undefined) {
    return sendChanged(row, scene, { target: "foreign" });
  }
  const isPlace = access.who === "right" && access.at !== "document";
  if (isPlace) return sendChanged(row, scene, { target: "foreign" });
  const parts = partsFor(row, { tenancy: scene.world.own, caller: scene.world.caller("admin") });
  const [mixed] = mixedRequests(row, parts, scene.world).filter(
    ({ at }) => !at.startsWith("query"),
  );
  return mixed === undefined ? null : sendChanged(row, scene, { change: () => mixed.parts });
};

const badRequest: Provocation = async (row, scene) => {
  const { body, textBody, query, idempotent, params, access } = row.contract;
  if (body !== undefined) return sendChanged(row, scene, { change: withBody("{") });
  if (textBody !== undefined) {
    const headers = { "content-type": textBody[0] ?? null };
    return sendChanged(row, scene, { headers, change: withBody("\ud800") });
  }
  if (idempotent === true) {
    return sendChanged(row, scene, { headers: { "idempotency-key": "with a space" } });
  }
  const [filter] = Object.keys(query?.shape ?? {});
  if (filter !== undefined) {
    return sendChanged(row, scene, {
      change: (parts) => ({ ...parts, query: { [filter]: "\u0000 nothing" } }),
    });
  }
  const place = access.who === "right" ? access.in : null;
  const beside = Object.keys(params?.shape ?? {}).find((name) => name !== place);
  return sendChanged(row, scene, {
    change: (parts) =>
      beside === undefined
        ? { ...parts, query: { nothing: "x" } }
        : { ...parts, params: { ...parts.params, [beside]: "no-such-thing" } },
  });
};

const conflict: Provocation = async (row, scene) => {
  if (row.contract.idempotent !== true) return null;
  const headers = { "idempotency-key": "the-same-key" };
  await sendChanged(row, scene, { headers });
  return sendChanged(row, scene, {
    headers,
    change: (parts) => ({ ...parts, body: `${JSON.stringify(parts.body)} ` }),
  });
};

/** How each code is provoked at any route that documents it. */
const EVERYWHERE: Partial<Record<ErrorCode, Provocation>> = {
  unauthenticated: (row, scene) => sendChanged(row, scene, { caller: "nobody" }),
  forbidden: async (row, scene) => {
    const caller = refusedCaller(row, "forbidden");
    return caller === undefined ? null : sendChanged(row, scene, { caller });
  },
  not_found: notFound,
  document_not_found: (row, scene) => sendChanged(row, scene, { target: "foreign" }),
  bad_request: badRequest,
  too_large: (row, scene) =>
    sendChanged(row, scene, { change: withBody("x".repeat(MAX_CONTENT_BYTES + 1)) }),
  unsupported_media_type: (row, scene) =>
    sendChanged(row, scene, { headers: { "content-type": "application/x-nothing" } }),
  precondition_failed: (row, scene) =>
    sendChanged(row, scene, { headers: { "if-match": '"nothing"' } }),
  precondition_required: (row, scene) => sendChanged(row, scene, { headers: { "if-match": null } }),
  conflict,
};

/** The callers that `provoke` needs for a code that it takes a situation for, and whether it takes one. */
export const SITUATION_CALLERS: readonly CallerName[] = ["admin", "outsider", "jwt member"];

/** True when provoking the code changes the world, so that it needs one of its own. */
export const isSituation = ({ name }: RouteRow, code: ErrorCode): boolean =>
  code === "conflict" || SITUATIONS[name]?.[code] !== undefined;

/** Makes a route answer with a code that it documents; null where no known request does. */
export const provoke = async (
  row: RouteRow,
  code: ErrorCode,
  scene: Scene,
): Promise<DoorAnswer | null> =>
  (await (SITUATIONS[row.name]?.[code] ?? EVERYWHERE[code])?.(row, scene)) ?? null;
