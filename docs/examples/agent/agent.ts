/** A small agent without a model: it corrects words of a list, answers who mentions it, and learns. README.md says how to run it. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createApiClient, openInbox } from "../../../client/index.ts";

const { SERVER: url = "http://127.0.0.1:8787", KEY = "", DOCUMENT = "" } = process.env;
const { WORDS = `${import.meta.dirname}/words.json`, PAUSE = "5000" } = process.env;

type Rule = { readonly find: string; readonly write: string; readonly why: string };

const api = createApiClient({ url, token: () => KEY });
const params = { documentId: DOCUMENT };
const rules = JSON.parse(await readFile(WORDS, "utf8")) as Rule[];
const agentId = await whoAmI();

async function whoAmI(): Promise<string> {
  const { agentId: id } = (await api.getMe()).body;
  if (id === null) throw new Error("KEY has to be the key of an agent");
  return id;
}

/** What people decided of each correction so far: `teh → the`. */
type Memory = { accepted: number; rejected: number; isPending: boolean };

const say = (text: string): unknown => process.stdout.write(`${text}\n`);

/** Names a correction by the words that differ, as a hunk has them: of `in order to → to` that is `in order → `. */
function nameOf(find: string, write: string): string {
  const [before, after] = [find.trim().split(/\s+/u), write.trim().split(/\s+/u)];
  while (before.length > 0 && before.at(-1) === after.at(-1)) {
    before.pop();
    after.pop();
  }
  return `${before.join(" ")} → ${after.join(" ")}`.toLowerCase();
}

/** Everything it ever suggested, and what became of it. */
async function remember(): Promise<Map<string, Memory>> {
  const memories = new Map<string, Memory>();
  let cursor: string | undefined;
  do {
    const query = { limit: 200, ...(cursor !== undefined && { cursor }) };
    const { body } = await api.listOutcomes({ params: { agentId }, query });
    for (const { before, after, decision, documentId } of body.outcomes) {
      const name = nameOf(before, after);
      const memory = memories.get(name) ?? { accepted: 0, rejected: 0, isPending: false };
      if (decision === "accepted") memory.accepted += 1;
      else if (decision !== "pending") memory.rejected += 1;
      else if (documentId === DOCUMENT) memory.isPending = true;
      memories.set(name, memory);
    }
    cursor = body.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return memories;
}

/** A correction that people refuse more often than they take it is not proposed again, nor one that still waits. */
function wanted(memories: Map<string, Memory>): Rule[] {
  return rules.filter(({ find, write }) => {
    const memory = memories.get(nameOf(find, write));
    return memory === undefined || (!memory.isPending && memory.rejected <= memory.accepted);
  });
}

const escaped = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/gu, String.raw`\$&`);

/** Whole words, outside of code and links. */
function corrected(markdown: string, chosen: readonly Rule[]): { text: string; used: Rule[] } {
  const used = new Set<Rule>();
  const parts = markdown.split(/(```[^]*?```|`[^`\n]*`|\]\([^)]*\)|<[^>]*>)/u);
  const text = parts.map((part, index) => {
    if (index % 2 === 1) return part;
    return chosen.reduce((words, rule) => {
      const found = new RegExp(`(?<![\\p{L}\\p{N}])${escaped(rule.find)}(?![\\p{L}\\p{N}])`, "gu");
      return words.replaceAll(found, () => {
        used.add(rule);
        return rule.write;
      });
    }, part);
  });
  return { text: text.join(""), used: [...used] };
}

/** Sections that it has read, by hash: what says the same is not read again. */
const read = new Set<string>();

/** Reads what is new in the document and proposes corrections. Answers how many sections they are in. */
async function work(): Promise<number> {
  const { seq, sections } = (await api.getOutline({ params })).body;
  const fresh = sections.filter(({ hash, sectionId }) => sectionId !== null && !read.has(hash));
  if (fresh.length === 0) return 0;
  const chosen = wanted(await remember());
  const diffs = [];
  for (const { sectionId, hash } of fresh) {
    if (sectionId === null) continue;
    await api.announcePresence({ params, body: { sectionId } });
    const section = { ...params, sectionId };
    const { text } = await api.getSection({ params: section, query: { format: "markdown" } });
    const { text: newContent, used } = corrected(text, chosen);
    read.add(hash);
    if (used.length === 0) continue;
    diffs.push({ sectionId, newContent, explanation: used.map(({ why }) => why).join("; ") });
  }
  if (diffs.length === 0) return 0;
  const body = { baseSeq: seq, diffs, contextSummary: "Spelling and style" };
  // Sent again after a lost answer it is the same suggestion.
  const idempotencyKey = createHash("sha256").update(JSON.stringify(body)).digest("hex");
  const { body: made } = await api.createSuggestion({ params, body }, { idempotencyKey });
  say(`suggested ${made.hunks.length} corrections in ${diffs.length} sections`);
  return diffs.length;
}

/** Says what it does, in the thread that mentions it. */
async function answer(documentId: string, threadId: string): Promise<void> {
  const { body } = await api.listOutcomes({ params: { agentId }, query: { limit: 1 } });
  const markdown = `I know ${rules.length} corrections. Of mine ${body.accepted} were accepted, ${body.rejected + body.takenBack} were not, ${body.pending} wait for you.`;
  const idempotencyKey = `answer-${threadId}-${body.accepted}-${body.pending}`;
  await api.createReply(
    { params: { documentId, threadId }, body: { markdown } },
    { idempotencyKey },
  );
}

const inbox = openInbox({
  api,
  // From the beginning: an answer that was given already is not given again.
  lastEventId: "0",
  onEvent: (event) => {
    if (event.event !== "notification" || event.body.kind !== "mention") return;
    const { id, documentId, threadId, readAt } = event.body;
    if (documentId === null || threadId === null || readAt !== null) return;
    answer(documentId, threadId)
      .then(() => api.readNotification({ params: { notificationId: id } }))
      .catch((error: unknown) => say(String(error)));
  },
});

process.once("SIGTERM", () => void inbox.close().then(() => process.exit(0)));
process.once("SIGINT", () => void inbox.close().then(() => process.exit(0)));
for (;;) {
  await work().catch((error: unknown) => say(String(error)));
  await new Promise((resolve) => setTimeout(resolve, Number(PAUSE)));
}
