import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type * as Y from "yjs";
import { ApiError } from "../client/index.ts";
import { FRAGMENT } from "../schema/document-schema.ts";
import { useRest } from "./support/rest.ts";
import { createAgent, keyOf } from "./support/roles.ts";
import { createRandom } from "./support/seed.ts";
import { sized } from "./support/size.ts";
import { openWire, type WireClient } from "./support/wire-client.ts";

const { rest, tenant } = await useRest();
const owner = rest.client(tenant.token);
const random = createRandom();
const upTo = (limit: number): number => Math.floor(random() * limit);

const TYPISTS = 5;
const AGENTS = 5;
const SECONDS = sized(6, 60);

const words = (from: number): string =>
  Array.from({ length: sized(12, 100) }, (_, at) => `word${from}x${at}`).join(" ");
const MANUSCRIPT = Array.from({ length: 20 }, (_, block) => words(block)).join("\n\n");

/** Anywhere, also within a word, but not within what somebody typed or an agent wrote: they are looked for later. */
function placeIn(text: string): number {
  for (;;) {
    const at = upTo(text.length + 1);
    const before = text.slice(0, at);
    const open = Math.max(before.lastIndexOf("«"), before.lastIndexOf("‹"));
    if (open <= Math.max(before.lastIndexOf("»"), before.lastIndexOf("›"))) return at;
  }
}

/** Types characters that are nowhere else at random places, until it is told to stop. Answers what it typed. */
async function typeUntil(
  client: WireClient,
  mark: string,
  isOver: () => boolean,
): Promise<string[]> {
  const typed: string[] = [];
  while (!isOver()) {
    const blocks = client.document.getXmlFragment(FRAGMENT);
    const text = (blocks.get(upTo(blocks.length)) as Y.XmlElement).get(0) as Y.XmlText;
    const word = `«${mark}${typed.length}»`;
    text.insert(placeIn(text.toJSON()), word);
    typed.push(word);
    await delay(20 + upTo(60));
  }
  return typed;
}

/** What was read may be merged before the agent is ready, above all on a slow machine: it reads again. */
function readAgainIfTooOld(error: unknown): null {
  if (error instanceof ApiError && error.problem.code === "base_too_old") return null;
  throw error;
}

type Decided = { accepted: string[]; refused: number; tooOld: number };

/** Proposes one other word after the other, and has what can be accepted accepted. */
async function proposeUntil(
  params: { documentId: string },
  mark: string,
  isOver: () => boolean,
): Promise<Decided> {
  const agentId = await createAgent(rest.sql, tenant, "active");
  const scopes = ["docs:read", "suggestions:write"] as const;
  const agent = rest.client((await keyOf(rest.sql, tenant, { agentId, scopes })).token);
  const decided: Decided = { accepted: [], refused: 0, tooOld: 0 };
  for (let round = 0; !isOver(); round += 1) {
    const { sectionId } = (await agent.getOutline({ params })).body.sections[0] ?? {};
    const section = { params: { ...params, sectionId: sectionId ?? "" } };
    const read = await agent.getSection({ ...section, query: { format: "markdown" } });
    const { text } = read;
    const old = [...text.matchAll(/word\d+x\d+/gu)].map(([word]) => word);
    const word = old[upTo(old.length)];
    if (word === undefined) break;
    const written = `‹${mark}${round}›`;
    const newContent = text.replace(word, written);
    const diffs = [{ sectionId: sectionId ?? "", newContent }];
    const body = { baseSeq: read.seq ?? 0, diffs };
    const made = await agent.createSuggestion({ params, body }).catch(readAgainIfTooOld);
    if (made === null) {
      decided.tooOld += 1;
      continue;
    }
    const of = { ...params, suggestionId: made.body.id };
    const mine = made.body.hunks.filter(({ after }) => after.text.includes(written));
    const hunkIds = mine.map(({ id }) => id);
    await delay(upTo(100));
    const { body: done } = await owner.acceptSuggestion({ params: of, body: { hunkIds } });
    const isIn = hunkIds.length > 0 && done.applied.length === hunkIds.length;
    if (isIn) decided.accepted.push(written);
    else decided.refused += 1;
    await owner.rejectSuggestion({ params: of, body: {} });
  }
  return decided;
}

test(
  `${AGENTS} agents and ${TYPISTS} people on one document: everything accepted and everything typed is in, once`,
  async () => {
    const { body: document } = await owner.createDocument({
      params: { projectId: tenant.projectId },
      body: { title: "Crowd", type: "feature_requirements", markdown: MANUSCRIPT },
    });
    const params = { documentId: document.id };
    const url = `${rest.url.replace("http", "ws")}/collaboration`;
    const name = `document:${document.id}`;
    const clients = await Promise.all(
      Array.from({ length: TYPISTS }, () => openWire({ url, name, token: tenant.token })),
    );
    const overAt = performance.now() + SECONDS * 1000;
    const isOver = (): boolean => performance.now() > overAt;
    const [typed, decided] = await Promise.all([
      Promise.all(clients.map((client, index) => typeUntil(client, `p${index}-`, isOver))),
      Promise.all(
        Array.from({ length: AGENTS }, (_, index) => proposeUntil(params, `a${index}-`, isOver)),
      ),
    ]);
    await Promise.all(clients.map((client) => client.answered()));
    const { text } = await owner.getContent({ params, query: { format: "markdown" } });
    const accepted = decided.flatMap((one) => one.accepted);
    const characters = typed.flat();
    expect(characters.length).toBeGreaterThan(TYPISTS);
    expect(accepted.length).toBeGreaterThan(0);
    const tooOld = decided.reduce((sum, one) => sum + one.tooOld, 0);
    expect(tooOld).toBeLessThan(accepted.length);
    const isOnce = (word: string): boolean => text.split(word).length === 2;
    expect([...accepted, ...characters].filter((word) => !isOnce(word))).toEqual([]);
    const refused = decided.reduce((sum, one) => sum + one.refused, 0);
    // oxlint-disable-next-line no-console -- figures that people want to see
    console.info(
      `${characters.length} typed, ${accepted.length} accepted, ${refused} in conflict or gone, ${tooOld} on what was merged`,
    );
    await Promise.all(clients.map((client) => client.close()));
  },
  sized(120_000, 300_000),
);
