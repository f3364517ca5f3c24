import { HocuspocusProvider } from "@hocuspocus/provider";
import { afterEach } from "vitest";
import type * as Y from "yjs";
import type { ApiClient } from "../../client/api.ts";
import { FRAGMENT } from "../../schema/document-schema.ts";
import { documentName } from "../../schema/ids.ts";
import { type Rest, useRest } from "./rest.ts";
import { createAgent, keyOf } from "./roles.ts";
import type { Tenant } from "./tenant.ts";
import { until } from "./until.ts";

type Of = { readonly documentId: string };

/** A server, somebody who owns the project, and an agent with a key that may do all that keys can do with documents. */
export type SuggestionWorld = {
  readonly rest: Rest;
  readonly tenant: Tenant;
  readonly owner: ApiClient;
  readonly agent: ApiClient;
  readonly agentId: string;
  /** Opens a text with the stock provider; it is closed after the test. */
  open(documentId: string): Promise<HocuspocusProvider>;
  newDocument(markdown: string): Promise<Of>;
  markdownOf(params: Of): Promise<string>;
};

/** Types in the first block as a person does, and waits until it is saved. */
export async function type(
  provider: HocuspocusProvider,
  change: (text: Y.XmlText) => void,
): Promise<void> {
  const block = provider.document.getXmlFragment(FRAGMENT).get(0) as Y.XmlElement;
  change(block.get(0) as Y.XmlText);
  await until(() => !provider.hasUnsyncedChanges);
}

/** A world for this file; stopped after its last test. */
export async function useSuggestions(): Promise<SuggestionWorld> {
  const { rest, tenant } = await useRest();
  const owner = rest.client(tenant.token);
  const agentId = await createAgent(rest.sql, tenant, "active");
  const scopes = ["docs:read", "docs:write", "comments:write", "suggestions:write"] as const;
  const { token } = await keyOf(rest.sql, tenant, { agentId, scopes });
  const providers: HocuspocusProvider[] = [];
  afterEach(() => {
    for (const provider of providers.splice(0)) provider.destroy();
  });
  return {
    rest,
    tenant,
    owner,
    agent: rest.client(token),
    agentId,
    async open(documentId) {
      const url = `${rest.url.replace("http", "ws")}/collaboration`;
      const name = documentName(documentId, "content");
      const provider = new HocuspocusProvider({ url, name, token: tenant.token });
      providers.push(provider);
      await until(() => provider.isSynced);
      return provider;
    },
    async newDocument(markdown) {
      const body = { title: "Animals", type: "feature_requirements", markdown } as const;
      const params = { projectId: tenant.projectId };
      return { documentId: (await owner.createDocument({ params, body })).body.id };
    },
    markdownOf: async (params) =>
      (await owner.getContent({ params, query: { format: "markdown" } })).text,
  };
}
