import {
  createOrganization,
  createProject,
  createSession,
  createUser,
  setMember,
} from "../persistence/accounts.ts";
import type { Actor } from "../persistence/activities.ts";
import { createSignInLink } from "../persistence/sign-in-links.ts";
import type { Sql } from "../persistence/database.ts";
import { createDocument, type NewDocument } from "../persistence/documents.ts";

/** What was made, and two ways to sign in: a session's token, and the token of a link that works once. */
export type Demo = {
  readonly documentId: string;
  readonly token: string;
  readonly linkToken: string;
};

const HOUR_MS = 3600 * 1000;

/** Thirty days: long enough to try it out. */
const SESSION_MS = 30 * 24 * HOUR_MS;
const LINK_MS = 24 * HOUR_MS;

/** The server itself, on an empty database. */
const FIRST_START: Actor = { type: "system", id: null, via: "first_start" };

const DEMO_EMAIL = "demo@example.com";

const WELCOME = `# Welcome to Scriptorium

Two people can write here at the same time. What the editor calls **saved** is committed to PostgreSQL.

- Connect a stock \`@hocuspocus/provider\` with the token that the server printed.
- Stop the server as rudely as you like: every acknowledged character is there again.

- [ ] Try \`npm run admin -- stats\`
`;

/**
 * Fills an empty database with an organization, its admin, a project, a document and a session for the admin.
 * One transaction: a start that is killed half-way leaves an empty database, and the next start does it.
 * Returns null when there is an organization already.
 */
export const createDemo = (sql: Sql): Promise<Demo | null> =>
  sql.begin(async (tx) => {
    // Two servers that start at once on one empty database: the second waits, then sees the first one's rows.
    await tx`lock table organizations in share row exclusive mode`;
    const [present] = await tx`select 1 from organizations limit 1`;
    if (present !== undefined) return null;
    // Loaded only now: it takes 30 MB, and later starts do not need it.
    const { parseMarkdown } = await import("../schema/content.ts");
    const organizationId = await createOrganization(tx, { name: "Demo", slug: "demo" });
    const userId = await createUser(tx, { email: DEMO_EMAIL, name: "Demo" });
    await setMember(tx, { organizationId, userId, role: "admin" }, FIRST_START);
    const projectId = await createProject(tx, { organizationId, name: "Demo", slug: "demo" });
    const welcome: NewDocument = {
      projectId,
      type: "product_overview",
      title: "Welcome",
      slug: "welcome",
      createdBy: userId,
      content: parseMarkdown(WELCOME),
      diagramSource: null,
    };
    const documentId = await createDocument(tx, welcome, FIRST_START);
    const expiresAt = new Date(Date.now() + SESSION_MS);
    const { token } = await createSession(tx, { userId, expiresAt }, FIRST_START);
    const linkExpiresAt = new Date(Date.now() + LINK_MS);
    const linkToken = await createSignInLink(tx, { userId, expiresAt: linkExpiresAt }, FIRST_START);
    return { documentId, token, linkToken };
  });

/** What a newcomer reads at the first start. The token is shown this once. */
export const demoText = ({ documentId, token }: Demo, websocketUrl: string): string => `
  A demo document is ready for you.

    document  document:${documentId}
    token     ${token}

  Connect with the stock provider, in a browser or in Node:

    import { HocuspocusProvider } from "@hocuspocus/provider";
    new HocuspocusProvider({
      url: "${websocketUrl}",
      name: "document:${documentId}",
      token: "${token}",
    });

  The token is valid for 30 days and shown only now; "npm run admin -- user token ${DEMO_EMAIL}" makes another.
`;

/** The way in for a browser, printed last: it is what a newcomer wants to click. */
export const linkText = (signInUrl: string): string => `
  Open this in a browser. It signs you in, once, within 24 hours:

    ${signInUrl}

  Later "npm run admin -- user link ${DEMO_EMAIL}" makes another.
`;
