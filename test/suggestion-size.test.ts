import { monitorEventLoopDelay } from "node:perf_hooks";
import { pino } from "pino";
import { expect, test } from "vitest";
import type * as Y from "yjs";
import { UpkeepThread } from "../persistence/upkeep-tasks.ts";
import { FRAGMENT } from "../schema/document-schema.ts";
import { processorTime } from "./support/processor-time.ts";
import { useRest } from "./support/rest.ts";
import { openWire } from "./support/wire-client.ts";

const { rest, tenant } = await useRest();
const owner = rest.client(tenant.token);

const HUNKS = 200;
const EDITS = 20;

/** 300 kB of Markdown: 100 pages. Every fifth paragraph has a word that the agent replaces. */
const manuscript = (word: string): string =>
  Array.from({ length: HUNKS }, (_, page) => {
    const sentence = `On page ${page} somebody wrote a sentence that goes on for a while and says nothing. `;
    const paragraphs = Array.from({ length: 4 }, (__, at) => `${at} ${sentence.repeat(4).trim()}`);
    return `## Page ${page}\n\n${paragraphs.join("\n\n")}\n\nHere is the ${word} of page ${page}.`;
  }).join("\n\n");

const msSince = (startedMs: number): number => performance.now() - startedMs;

test("a document of 100 pages with 200 hunks: proposing, judging and accepting stay off the event loop", async () => {
  const markdown = manuscript("teh");
  expect(markdown.length).toBeGreaterThan(250_000);
  const newDocument = async (text: string) => {
    const body = { title: "Long", type: "feature_requirements", markdown: text } as const;
    return (await owner.createDocument({ params: { projectId: tenant.projectId }, body })).body.id;
  };
  // Starts the threads, which is not what is measured.
  const small = { documentId: await newDocument("One.") };
  await owner.createSuggestion({ params: small, body: { content: "Two." } });
  const documentId = await newDocument(markdown);
  const params = { documentId };
  const writer = await openWire({
    url: `${rest.url.replace("http", "ws")}/collaboration`,
    name: `document:${documentId}`,
    token: tenant.token,
  });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const proposing = performance.now();
  const { body: suggestion } = await owner.createSuggestion({
    params,
    body: { content: manuscript("end") },
  });
  const proposedMs = msSince(proposing);
  expect(suggestion.hunks).toHaveLength(HUNKS);

  const thread = new UpkeepThread({ location: rest.location, logger: pino({ level: "silent" }) });
  await thread.standings(documentId);
  const block = writer.document.getXmlFragment(FRAGMENT).get(1) as Y.XmlElement;
  const judgedMs: number[] = [];
  delay.enable();
  const usedMs = processorTime();
  const judging = performance.now();
  for (let edit = 0; edit < EDITS; edit += 1) {
    (block.get(0) as Y.XmlText).insert(0, "x");
    await writer.answered();
    const startedMs = performance.now();
    const { standings } = await thread.standings(documentId);
    judgedMs.push(msSince(startedMs));
    expect(Object.keys(standings)).toHaveLength(HUNKS);
  }
  delay.disable();
  const share = usedMs() / msSince(judging);
  await thread.close();

  const accepting = performance.now();
  const accept = { params: { ...params, suggestionId: suggestion.id }, body: {} };
  const { body: done } = await owner.acceptSuggestion(accept);
  const acceptedMs = msSince(accepting);
  expect(done.suggestion.status).toBe("accepted");
  const { text } = await owner.getContent({ params, query: { format: "markdown" } });
  expect(text).toBe(`${manuscript("end").replace("\n\n0 On", `\n\n${"x".repeat(EDITS)}0 On`)}\n`);
  await writer.close();
  const median = judgedMs.toSorted((a, b) => a - b)[EDITS >> 1] ?? 0;
  // oxlint-disable-next-line no-console -- figures that people want to see
  console.info(
    `proposed in ${proposedMs.toFixed(0)} ms, judged in ${median.toFixed(0)} ms (median), accepted in ${acceptedMs.toFixed(0)} ms; ` +
      `event loop p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, own work ${(100 * share).toFixed(0)} %`,
  );
}, 120_000);
