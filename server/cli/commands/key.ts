import { Option, type Command } from "commander";
import { createKey } from "../../../persistence/accounts.ts";
import { SCRIPT } from "../../../persistence/activities.ts";
import type { Sql } from "../../../persistence/database.ts";
import { listKeys } from "../../../persistence/list-accounts.ts";
import { findAgent, organizationsOf, type FoundProject } from "../../../persistence/lookup.ts";
import { revokeKey } from "../../../persistence/revoke.ts";
import { ScriptoriumError } from "../../../schema/errors.ts";
import { ROLES, SCOPES, type Role, type Scope } from "../../../schema/roles.ts";
import {
  parseDays,
  parseEmail,
  parseScopes,
  projectOption,
  type ProjectSlugs,
} from "../arguments.ts";
import { formatTable, formatTime } from "../format.ts";
import { organizationOf, projectOf, userOf } from "../references.ts";
import { runs } from "../run.ts";

const DAY_MS = 24 * 3600 * 1000;

/** What a program that reads, writes and discusses needs. */
const DEFAULT_SCOPES: Scope[] = ["docs:read", "docs:write", "comments:write", "suggestions:write"];

type KeyOptions = {
  user: string;
  name: string;
  project?: ProjectSlugs;
  organization?: string;
  scopes: Scope[];
  role: Role;
  days?: number;
  agent?: string;
};

/** `key`: API keys. */
export function addKey(program: Command): void {
  const key = program.command("key").description("API keys of people's programs and of agents");
  addCreate(key);
  addList(key);
  addRevoke(key);
}

function addCreate(key: Command): void {
  const command = key
    .command("create")
    .description("a new API key, shown once")
    .addOption(
      new Option("--user <email>", "who makes it: it never does more than he may")
        .argParser(parseEmail)
        .makeOptionMandatory(),
    )
    .requiredOption("--name <name>", "what it is for")
    .addOption(projectOption("where it works; absent: every project of the organization"))
    .addOption(
      new Option("--organization <slug>", "needed when its maker is in several").conflicts(
        "project",
      ),
    )
    .option("--scopes <a,b>", `some of ${SCOPES.join(", ")}`, parseScopes, DEFAULT_SCOPES)
    .addOption(new Option("--role <role>", "the most it may do").choices(ROLES).default("editor"))
    .option("--days <n>", "how long it is valid; absent: until it is revoked", parseDays)
    .option("--agent <code>", "the agent that it belongs to");
  runs<KeyOptions, []>(command, async ({ sql }, options) => {
    const { userId } = await userOf(sql, options.user);
    const { organizationId, projectId } = await placeOf(sql, userId, options);
    const agentId = await agentOf(sql, organizationId, options.agent);
    const { name, scopes, role, days } = options;
    const expiresAt = days === undefined ? null : new Date(Date.now() + days * DAY_MS);
    const fields = { organizationId, projectId, userId, agentId, name, scopes, role, expiresAt };
    const { keyId, token } = await createKey(sql, fields, SCRIPT);
    const until = expiresAt === null ? "it is revoked" : formatTime(expiresAt);
    const text = `${token}\n\nValid until ${until}, shown only now.`;
    return { text, json: { keyId, token, expiresAt } };
  });
}

/** Where the key works: what is named, else the only organization its maker is in. */
async function placeOf(
  sql: Sql,
  userId: string,
  { project, organization, user }: KeyOptions,
): Promise<{ organizationId: string; projectId: FoundProject["projectId"] | null }> {
  if (project !== undefined) return projectOf(sql, project);
  if (organization !== undefined) {
    return { organizationId: await organizationOf(sql, organization), projectId: null };
  }
  const [only, ...others] = await organizationsOf(sql, userId);
  if (only !== undefined && others.length === 0) {
    return { organizationId: only.organizationId, projectId: null };
  }
  const found = only === undefined ? "no organization" : "several organizations";
  throw new ScriptoriumError(
    "bad_request",
    `${user} is in ${found}; pass --organization or --project`,
  );
}

async function agentOf(
  sql: Sql,
  organizationId: string,
  code: string | undefined,
): Promise<string | null> {
  if (code === undefined) return null;
  const agentId = await findAgent(sql, { organizationId, code });
  if (agentId !== null) return agentId;
  throw new ScriptoriumError("not_found", `The organization has no agent "${code}"`);
}

function addList(key: Command): void {
  const command = key.command("list").description("all API keys, without their secrets");
  runs<object, []>(command, async ({ sql }) => {
    const keys = await listKeys(sql);
    const text = formatTable(
      ["prefix", "name", "user", "agent", "where", "role", "scopes", "state", "last used"],
      keys.map((one) => [
        one.prefix,
        one.name,
        one.user,
        one.agent,
        one.project === null ? one.organization : `${one.organization}/${one.project}`,
        one.role,
        one.scopes.join(","),
        one.state,
        formatTime(one.lastUsedAt),
      ]),
      "No keys.",
    );
    return { text, json: { keys } };
  });
}

function addRevoke(key: Command): void {
  const command = key
    .command("revoke")
    .description("end an API key for good")
    .argument("<prefix|id>", "what the list shows, or the part of the key before its dot");
  runs<object, [string]>(command, async ({ sql }, _options, prefixOrId) => {
    const revoked = await revokeKey(sql, prefixOrId, SCRIPT);
    if (revoked === null) throw new ScriptoriumError("not_found", `No key "${prefixOrId}"`);
    const text = `The key ${revoked.prefix} is revoked since ${formatTime(revoked.revokedAt)}.`;
    return { text, json: revoked };
  });
}
