import { ERRORS } from "../../schema/errors.ts";
import { CALLER_NAMES, traitsOf, type CallerName } from "./api-callers.ts";
import type { Door, DoorAnswer } from "./api-door.ts";
import { partsFor, requestOf, signedBy, type RouteRow } from "./api-fixtures.ts";
import { verdictOf, type Target, type Verdict } from "./api-oracle.ts";
import type { Tenancy } from "./api-tenancy.ts";
import type { World } from "./api-world.ts";

/** One request of the matrix: what was expected and what came. */
export type Cell = {
  readonly caller: CallerName;
  readonly target: Target;
  readonly expected: string;
  readonly answered: string;
  readonly status: number;
  /** True when it shows something of a tenant that the caller has no part in. */
  readonly leaks: boolean;
};

/** Whose place a row can name: a route without a place or a parameter has no foreign one. */
export const targetsOf = ({ contract }: RouteRow): Target[] =>
  contract.params === undefined ? ["own"] : ["own", "foreign"];

/** What the oracle expects of a cell. */
export const expectation = (row: RouteRow, caller: CallerName, target: Target): Verdict =>
  verdictOf(traitsOf(caller), row, target);

/** Sends one request of the matrix. */
export async function callCell(
  door: Door,
  world: World,
  { row, caller: name, target }: { row: RouteRow; caller: CallerName; target: Target },
): Promise<Cell> {
  const caller = world.caller(name);
  const parts = partsFor(
    row,
    target === "own"
      ? { tenancy: world.own, caller }
      : { tenancy: world.foreign, caller: world.caller(strangerTo(name)) },
  );
  const answer = await door.send(requestOf(row, parts, signedBy(caller)));
  const verdict = expectation(row, name, target);
  return {
    caller: name,
    target,
    expected: describeVerdict(row, verdict),
    answered: describeAnswer(answer),
    status: answer.status,
    leaks: shows(answer.text, world.foreign, Object.values(parts.params)),
  };
}

/** Somebody else, whose sessions and keys are not this caller's. */
const strangerTo = (name: CallerName): CallerName => (name === "outsider" ? "admin" : "outsider");

function describeVerdict({ contract }: RouteRow, verdict: Verdict): string {
  if (verdict === "allowed") return String(contract.answer.status);
  return `${ERRORS[verdict].http} ${verdict}`;
}

/** The status and, of a refusal, the code. */
export function describeAnswer({ status, text }: DoorAnswer): string {
  if (status < 400) return String(status);
  const code = /"code":"(?<code>\w+)"/u.exec(text)?.groups?.["code"];
  return `${status} ${code ?? text}`;
}

/** True when a text holds an id or a name of this tenant that was not sent along. */
export const shows = (text: string, tenancy: Tenancy, sent: readonly string[]): boolean =>
  Object.values(tenancy).some(
    (value) => typeof value === "string" && !sent.includes(value) && text.includes(value),
  );

/** The matrix as a reader sees it: a line for each route, a column for each caller. */
export function printMatrix(lines: readonly { title: string; cells: readonly Cell[] }[]): string {
  const width = Math.max(...lines.map(({ title }) => title.length)) + 1;
  const heads = CALLER_NAMES.map((name, index) => `${String(index + 1).padStart(4)} ${name}`);
  const numbers = CALLER_NAMES.map((_, index) => String(index + 1).padStart(4)).join("");
  const rows = lines.map(({ title, cells }) => {
    const own = CALLER_NAMES.map((name) =>
      String(
        cells.find(({ caller, target }) => caller === name && target === "own")?.status ?? "–",
      ),
    );
    const foreign = Map.groupBy(
      cells.filter(({ target }) => target === "foreign"),
      ({ status }) => status,
    );
    const counts = [...foreign].toSorted(([one], [other]) => one - other);
    return `${title.padEnd(width)}${own.map((status) => status.padStart(4)).join("")}  ${counts
      .map(([status, { length }]) => `${status}×${length}`)
      .join(" ")}`;
  });
  return [
    "callers:",
    ...heads,
    "",
    `${"".padEnd(width)}${numbers}  in a foreign tenant`,
    ...rows,
  ].join("\n");
}
