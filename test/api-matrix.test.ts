import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CALLER_NAMES, traitsOf, type CallerName } from "./support/api-callers.ts";
import { openDoor, type Door, type DoorAnswer } from "./support/api-door.ts";
import { fingerprintOf } from "./support/api-fingerprint.ts";
import {
  partsFor,
  requestOf,
  ROUTE_ROWS,
  signedBy,
  type RouteRow,
} from "./support/api-fixtures.ts";
import {
  callCell,
  describeAnswer,
  expectation,
  printMatrix,
  shows,
  targetsOf,
  type Cell,
} from "./support/api-matrix.ts";
import { mixedRequests, straysIn } from "./support/api-mixed.ts";
import { visibleTo, type Target } from "./support/api-oracle.ts";
import { createWorlds, JWT_ENVIRONMENT, type NewWorld } from "./support/api-world.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { startTestNode } from "./support/node.ts";

let database: TestDatabase;
let node: Awaited<ReturnType<typeof startTestNode>>;
let door: Door;
let newWorld: NewWorld;
const lines: { title: string; cells: Cell[] }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startTestNode(database, JWT_ENVIRONMENT);
  door = openDoor(node.port);
  newWorld = await createWorlds(database.sql);
});
afterAll(async () => {
  // oxlint-disable-next-line no-console -- the matrix is for a reader
  console.info(printMatrix(lines));
  door.close();
  await node.close();
  await database.close();
});

async function worldOf(name: CallerName) {
  const world = await newWorld([name]);
  return { own: world.own, foreign: world.foreign, caller: world.caller(name) };
}

type Call = { readonly row: RouteRow; readonly caller: CallerName; readonly target: Target };

const callsOf = (row: RouteRow): Call[] =>
  targetsOf(row).flatMap((target) => CALLER_NAMES.map((caller) => ({ row, caller, target })));

const isAllowed = ({ row, caller, target }: Call): boolean =>
  expectation(row, caller, target) === "allowed";

/** Refusals change nothing, so all of them run at once, in one world; what is changed is looked at before and after. */
async function callRefused(calls: readonly Call[]): Promise<Cell[]> {
  const world = await newWorld();
  const { own, foreign } = world;
  const look = () => Promise.all([own, foreign].map((each) => fingerprintOf(database.sql, each)));
  const before = await look();
  const cells = await Promise.all(calls.map((call) => callCell(door, world, call)));
  expect(await look()).toEqual(before);
  return cells;
}

/** What is allowed may change something: each call has a world of its own. */
async function callAllowed(calls: readonly Call[]): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const call of calls) {
    cells.push(await callCell(door, await newWorld([call.caller]), call));
  }
  return cells;
}

/** What is named for people to read is no place either: it is refused as one that names nothing is. */
const SAID: Readonly<Record<string, string>> = {
  "body.promptedBy": "422 unknown_target",
  "body.diffs.0.sectionId": "422 section_not_found",
};

const isNotThere = (at: string, answered: string): boolean =>
  answered === SAID[at] || /^404 (?:document_)?not_found$/u.test(answered);

test.each(CALLER_NAMES)(
  "[A1 T47] the lists of %s show what he may read, and nothing else",
  async (name) => {
    const { own, foreign, caller } = await worldOf(name);
    const list = async (path: string): Promise<DoorAnswer> =>
      door.send({ method: "GET", path: `/api/v1${path}?limit=200`, headers: signedBy(caller) });
    const [organizations, projects] = [await list("/organizations"), await list("/projects")];
    const holds = ({ text }: DoorAnswer, id: string): boolean => text.includes(`"id":"${id}"`);
    const shown = {
      organization: holds(organizations, own.organizationId),
      project: holds(projects, own.projectId),
      otherProject: holds(projects, own.otherProjectId),
    };
    const visible = visibleTo(traitsOf(name));
    expect(organizations.status === 200 ? shown : null).toEqual(visible);
    for (const { text } of [organizations, projects]) expect(shows(text, foreign, [])).toBe(false);
  },
);

describe.each(ROUTE_ROWS)("$title", (row) => {
  test("[A1 T47] answers each caller as the table of rights says", async () => {
    const calls = callsOf(row);
    const cells = [
      ...(await callRefused(calls.filter((call) => !isAllowed(call)))),
      ...(await callAllowed(calls.filter(isAllowed))),
    ];
    lines.push({ title: row.title, cells });
    const wrong = cells.filter(({ expected, answered, leaks }) => expected !== answered || leaks);
    expect(wrong).toEqual([]);
  });

  test("[A1 T47] does not find another tenant's id beside its own", async () => {
    const world = await newWorld(["admin"]);
    const caller = world.caller("admin");
    const parts = partsFor(row, { tenancy: world.own, caller });
    const before = await fingerprintOf(database.sql, world.own);
    const answers = await Promise.all(
      mixedRequests(row, parts, world).map(async ({ at, parts: mixed }) => {
        const answer = await door.send(requestOf(row, mixed, signedBy(caller)));
        const sent = [JSON.stringify(mixed)].flatMap((text) =>
          Object.values(world.foreign)
            .map(String)
            .filter((value) => text.includes(value)),
        );
        return {
          at,
          isEmpty: /^\{"\w+":\[\],"nextCursor":null\}$/u.test(answer.text),
          answered: describeAnswer(answer),
          leaks: shows(answer.text, world.foreign, sent),
        };
      }),
    );
    // A filter is no place: by another's id, as by one that names nothing, it finds nothing.
    const isHidden = ({ at, answered, isEmpty }: (typeof answers)[number]): boolean =>
      isNotThere(at, answered) || (at.startsWith("query.") && isEmpty);
    const found = answers.filter((each) => each.leaks || !isHidden(each));
    expect(found).toEqual([]);
    expect(await fingerprintOf(database.sql, world.own)).toBe(before);
  });

  test("does not find what belongs to another document, or another suggestion", async () => {
    const { own, caller } = await worldOf("admin");
    const parts = partsFor(row, { tenancy: own, caller });
    const before = await fingerprintOf(database.sql, own);
    const answers = await Promise.all(
      straysIn(row, parts, own).map(async ({ at, parts: stray }) => {
        const answered = describeAnswer(await door.send(requestOf(row, stray, signedBy(caller))));
        return { at, answered };
      }),
    );
    expect(answers.filter(({ at, answered }) => !isNotThere(at, answered))).toEqual([]);
    expect(await fingerprintOf(database.sql, own)).toBe(before);
  });
});
