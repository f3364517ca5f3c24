import type { ApiClient } from "../client/api.ts";
import { codeOf } from "./client.ts";

/** From which title to which. */
export type Renaming = {
  readonly documentId: string;
  readonly before: string;
  readonly wanted: string;
};

/** So often is it tried when something else than the title has changed: `updatedAt` moves while people type. */
const ATTEMPTS = 5;

/**
 * Renames a document unless somebody else did so first: then his title is answered and nothing is overwritten.
 * If-Match covers more than the title, so a refusal is looked into.
 */
export async function renameDocument(
  client: ApiClient,
  { documentId, before, wanted }: Renaming,
): Promise<{ now: string; renamed: boolean }> {
  const params = { documentId };
  for (let attempt = 1; ; attempt += 1) {
    const { body, etag } = await client.getDocument({ params });
    if (body.title !== before) return { now: body.title, renamed: body.title === wanted };
    try {
      const call = { params, body: { title: wanted } };
      const answer = await client.updateDocument(call, etag === null ? {} : { ifMatch: etag });
      return { now: answer.body.title, renamed: true };
    } catch (error) {
      if (codeOf(error) !== "precondition_failed" || attempt === ATTEMPTS) throw error;
    }
  }
}
