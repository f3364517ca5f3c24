import { createHash } from "node:crypto";
import { applyAwarenessUpdate, type Awareness, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { FRAGMENT } from "../schema/document-schema.ts";
import { documentName } from "../schema/ids.ts";
import type { LiveDocuments } from "./live-documents.ts";
import type { Present } from "./presence.ts";

/** An agent that says it works in a document, without a socket. `sectionId`: where; null: in all of it. */
export type WorkingAgent = {
  readonly userId: string;
  readonly agentId: string;
  readonly name: string;
  readonly sectionId: string | null;
};

/** For so long it is shown, ms, unless it says so again; the same after which y-protocols forgets a state. */
const WORKING_MS = 30_000;

type Entry = { readonly agent: WorkingAgent; readonly end: NodeJS.Timeout };

/** Agents that work over REST or MCP are seen by people beside those who have the document open. */
export type AgentPresence = {
  /** Shows the agent to whoever has the document open, as a caret with its name, for {@link WORKING_MS}. */
  announce(documentId: string, agent: WorkingAgent): void;
  /** Those of the last {@link WORKING_MS}. */
  working(documentId: string): (Present & { readonly sectionId: string | null })[];
};

/** Agents that say they work in documents of this node. */
export function createAgentPresence(live: Pick<LiveDocuments, "live">): AgentPresence {
  // Of one document: each agent, as it said last, and the end of its half minute.
  const documents = new Map<string, Map<string, Entry>>();
  const forget = (documentId: string, agentId: string): void => {
    const agents = documents.get(documentId);
    agents?.delete(agentId);
    if (agents?.size === 0) documents.delete(documentId);
  };
  return {
    announce(documentId, agent) {
      const { agentId } = agent;
      const agents = documents.get(documentId) ?? new Map<string, Entry>();
      clearTimeout(agents.get(agentId)?.end);
      const end = setTimeout(() => forget(documentId, agentId), WORKING_MS).unref();
      documents.set(documentId, agents.set(agentId, { agent, end }));
      const document = live.live(documentName(documentId, "content"))?.document;
      if (document !== undefined) show(document, agent);
    },
    working: (documentId) =>
      [...(documents.get(documentId)?.values() ?? [])].map(({ agent }) => ({
        userId: agent.userId,
        agentId: agent.agentId,
        sectionId: agent.sectionId,
        readOnly: true,
        sessions: 0,
      })),
  };
}

type Shown = Y.Doc & { readonly awareness: Awareness };

/** As the caret of an editor: stock editors show it as they show people. */
function show(document: Shown, { agentId, name, sectionId }: WorkingAgent): void {
  const clock = Date.now();
  const client = clientOf(agentId);
  const caret = sectionId === null ? null : caretAt(document, sectionId);
  const user = { name: `${name} (agent)`, color: COLOUR, isAgent: true, agentId };
  const states = new Map([[client, { user, ...(caret !== null && { cursor: caret }) }]]);
  // The one thing that is read of it is the clock: a newer one counts.
  const meta = new Map([[client, { clock, lastUpdated: clock }]]);
  const update = encodeAwarenessUpdate({ meta, states } as unknown as Awareness, [client], states);
  applyAwarenessUpdate(document.awareness, update, { source: "local" });
}

/** Grey: people have the colours. */
const COLOUR = "#6b7280";

/** One Yjs client id for an agent, always the same: a number of 32 bits, as Yjs has them. */
const clientOf = (agentId: string): number =>
  createHash("sha256").update(agentId).digest().readUInt32BE(0);

/** Where a block begins, as y-tiptap says where a caret is. */
function caretAt(document: Y.Doc, sectionId: string): object | null {
  if (!document.share.has(FRAGMENT)) return null;
  const blocks = document.getXmlFragment(FRAGMENT).toArray() as unknown[];
  const block = blocks.find(
    (each) => each instanceof Y.XmlElement && each.getAttribute("id") === sectionId,
  );
  if (!(block instanceof Y.XmlElement)) return null;
  const [text] = block.toArray() as unknown[];
  const type = text instanceof Y.XmlText ? text : block;
  const position = Y.relativePositionToJSON(
    Y.createRelativePositionFromTypeIndex(type as never, 0),
  );
  return { anchor: position, head: position };
}
