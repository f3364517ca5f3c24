import { afterAll, describe, expect, test } from "vitest";
import { connectMcp } from "./support/mcp.ts";
import { useRest } from "./support/rest.ts";
import { createTenant } from "./support/tenant.ts";

const { rest, tenant } = await useRest();
const client = await connectMcp(rest.url, tenant.token);
afterAll(() => client.close());

describe("documents as resources", () => {
  test("are listed page by page over all projects, and read as Markdown", async () => {
    const other = await createTenant(rest.sql);
    const many = await connectMcp(rest.url, other.token);
    const byOther = rest.client(other.token);
    for (const slug of ["empty", "second"]) {
      await byOther.createProject({
        params: { organizationId: other.organizationId },
        body: { name: slug, slug },
      });
    }
    const { body } = await byOther.listProjects();
    const second = body.projects.find(({ slug }) => slug === "second")?.id ?? "";
    const made = [];
    for (let index = 0; index < 53; index += 1) {
      const inProject = index > 50 ? second : other.projectId;
      made.push((await other.document({ projectId: inProject })).documentId);
    }
    const uris: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await many.listResources(cursor === undefined ? {} : { cursor });
      uris.push(...page.resources.map(({ uri }) => uri));
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== undefined);
    expect(pages).toBe(2);
    expect(uris.toSorted()).toEqual(made.map((id) => `scriptorium://documents/${id}`).toSorted());
    await expect(many.listResources({ cursor: "x" })).rejects.toThrow("bad_request: The cursor");
    await many.close();
  });

  test("are described by a template; one that is not there or foreign is not found", async () => {
    const content = {
      type: "doc",
      content: [{ type: "paragraph", content: [{ type: "text", text: "A fox." }] }],
    };
    const { documentId } = await tenant.document({ content });
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates).toMatchObject([
      { uriTemplate: "scriptorium://documents/{documentId}", mimeType: "text/markdown" },
    ]);
    const uri = `scriptorium://documents/${documentId}`;
    expect((await client.readResource({ uri })).contents).toEqual([
      { uri, mimeType: "text/markdown", text: "A fox.\n" },
    ]);
    const foreign = await (await createTenant(rest.sql)).document();
    for (const wrong of [
      `scriptorium://documents/${foreign.documentId}`,
      `scriptorium://documents/../projects/${tenant.projectId}`,
      "file:///etc/passwd",
    ]) {
      await expect(client.readResource({ uri: wrong })).rejects.toMatchObject({
        code: -32_002,
        data: { code: "document_not_found" },
      });
    }
  });
});
