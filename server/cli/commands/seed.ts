import type { Command } from "commander";
import { createDocument } from "../../../persistence/documents.ts";
import { parseMarkdown } from "../../../schema/content.ts";
import { ScriptoriumError } from "../../../schema/errors.ts";
import { DOCUMENT_TYPES } from "../../../schema/closed-sets.ts";
import { createDemo } from "../../demo.ts";
import { parseCount } from "../arguments.ts";
import { each, stoppedText, withProgress } from "../each.ts";
import { counted } from "../format.ts";
import { projectOf } from "../references.ts";
import { runs, type Context } from "../run.ts";

const DEMO_PROJECT = { organization: "demo", project: "demo" };
const MAX_DOCUMENTS = 100_000;

/** `seed`: what the first start of a server makes, and more of it. */
export function addSeed(program: Command): void {
  const command = program
    .command("seed")
    .description("fill an empty database with a demo organization, user, project and document")
    .option("--documents <n>", "sample documents in the demo project", parseCount(MAX_DOCUMENTS));
  runs<{ documents?: number }, []>(withProgress(command), async (context, { documents = 0 }) => {
    const demo = await createDemo(context.sql);
    const samples = documents === 0 ? null : await createSamples(context, documents);
    const text = [
      demo === null
        ? "The database has an organization already; no demo was made."
        : `Made the demo document ${demo.documentId}.\nToken, shown only now: ${demo.token}`,
      ...(samples === null ? [] : samples.text),
    ];
    const stopped = samples?.stopped ?? false;
    const json = { demo, sampleDocuments: { created: samples?.created ?? 0, stopped } };
    return { text: text.join("\n"), json, failed: stopped };
  });
}

/** Sample documents are numbered; those that are there already stay as they are. */
async function createSamples(context: Context, count: number) {
  const { projectId } = await projectOf(context.sql, DEMO_PROJECT);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  let created = 0;
  const worked = await each(context, numbers, "documents", async (number) => {
    if (await createSample(context, projectId, number)) created += 1;
  });
  const present = worked.done - created;
  const text = [
    `Made ${counted(created, "sample document")}; ${present} were there.`,
    ...stoppedText(worked, (number) => `sample ${number}`),
  ];
  return { created, stopped: worked.next !== null, text };
}

async function createSample({ sql }: Context, projectId: string, number: number): Promise<boolean> {
  try {
    await createDocument(sql, {
      projectId,
      type: DOCUMENT_TYPES[number % DOCUMENT_TYPES.length] ?? "product_overview",
      title: `Sample ${number}`,
      slug: `sample-${number}`,
      createdBy: null,
      content: parseMarkdown(sampleMarkdown(number)),
      diagramSource: null,
    });
    return true;
  } catch (error) {
    if (error instanceof ScriptoriumError && error.code === "conflict") return false;
    throw error;
  }
}

/** One of every kind of block, a little different in each document. */
const sampleMarkdown = (number: number): string => `# Sample ${number}

Document **${number}** of the samples, with [a link](https://example.com/${number}) and \`code\`.

## Steps

1. Read it.
2. Change it.

- [ ] Open sample ${number + 1}
- [x] Open sample ${number}

| what | how many |
| --- | --- |
| rows | ${(number * 7) % 100} |
| columns | 2 |

> Nothing that is acknowledged is ever lost.

\`\`\`ts
const sample = ${number};
\`\`\`
`;
