import { Option, type Command } from "commander";
import {
  createSession,
  createUser,
  setCollaborator,
  setMember,
} from "../../../persistence/accounts.ts";
import { SCRIPT } from "../../../persistence/activities.ts";
import type { SqlOrTransaction } from "../../../persistence/database.ts";
import { listUsers } from "../../../persistence/list-accounts.ts";
import { revokeSessions } from "../../../persistence/revoke.ts";
import { createSignInLink, revokeSignInLinks } from "../../../persistence/sign-in-links.ts";
import { ScriptoriumError } from "../../../schema/errors.ts";
import { ROLES, type Role } from "../../../schema/roles.ts";
import { ORGANIZATION_ROLES, type OrganizationRole } from "../../../schema/closed-sets.ts";
import { publicUrl, signInUrl } from "../../public-url.ts";
import {
  parseCount,
  parseDays,
  parseEmail,
  projectOption,
  type ProjectSlugs,
} from "../arguments.ts";
import { counted, formatTable, formatTime } from "../format.ts";
import { organizationOf, projectOf, userOf } from "../references.ts";
import { runs } from "../run.ts";
import { addActivity } from "./user-activity.ts";

const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** A link lies in somebody's mailbox: a month is the longest. */
const MAX_LINK_HOURS = 720;

/** `user`: people, what they belong to, and their sessions. */
export function addUser(program: Command): void {
  const user = program.command("user").description("people, their roles and their sessions");
  addCreate(user);
  addGrant(user);
  addList(user);
  addToken(user);
  addLink(user);
  addSignOut(user);
  addActivity(user);
}

type MemberOptions = {
  organization?: string;
  project?: ProjectSlugs;
  role?: OrganizationRole | Role;
  create?: true;
};

/** Where somebody gets a role, and which. The roles of an organization and of a project are two closed sets. */
const withMembership = (command: Command): Command =>
  command
    .addOption(new Option("--organization <slug>", "make him a member of it").conflicts("project"))
    .addOption(projectOption("give him a role in this project only"))
    .addOption(
      new Option(
        "--role <role>",
        `in an organization ${ORGANIZATION_ROLES.join(" or ")}, in a project one of ${ROLES.join(", ")}`,
      ).choices([...ORGANIZATION_ROLES, ...ROLES]),
    )
    .option("--create", "make the organization or the project if it is missing");

function addCreate(user: Command): void {
  const command = user
    .command("create")
    .description("a new user")
    .argument("<email>", "mail address", parseEmail)
    .option("--name <name>", "the name others see; absent: the first part of the address");
  runs<MemberOptions & { name?: string }, [string]>(
    withMembership(command),
    async ({ sql }, options, email) => {
      const name = options.name ?? email.split("@")[0] ?? email;
      const made = await sql.begin(async (tx) => {
        const userId = await createUser(tx, { email, name });
        return { userId, granted: await grant(tx, userId, options) };
      });
      const { userId, granted } = made;
      const text = [`Made the user ${email} (${userId}).`, ...granted].join("\n");
      return { text, json: { userId, email, name, granted } };
    },
  );
}

function addGrant(user: Command): void {
  const command = user
    .command("grant")
    .description("give a user a role in an organization or a project, or change it")
    .argument("<email>", "mail address", parseEmail);
  runs<MemberOptions, [string]>(withMembership(command), async ({ sql }, options, email) => {
    if (options.organization === undefined && options.project === undefined) {
      throw new ScriptoriumError("bad_request", "Say where: --organization or --project");
    }
    const granted = await sql.begin(async (tx) => {
      const { userId } = await userOf(tx, email);
      return grant(tx, userId, options);
    });
    return { text: granted.join("\n"), json: { email, granted } };
  });
}

/** Answers with what was given, in words. */
async function grant(
  tx: SqlOrTransaction,
  userId: string,
  { organization, project, role, create: made }: MemberOptions,
): Promise<string[]> {
  const create = made === true;
  if (organization !== undefined) {
    const granted = roleAmong(ORGANIZATION_ROLES, role ?? "member", "an organization");
    const organizationId = await organizationOf(tx, organization, { create });
    await setMember(tx, { organizationId, userId, role: granted }, SCRIPT);
    return [`${organization}: ${granted}`];
  }
  if (project === undefined) return [];
  const granted = roleAmong(ROLES, role ?? "editor", "a project");
  const { projectId } = await projectOf(tx, project, { create });
  await setCollaborator(tx, { projectId, userId, role: granted }, SCRIPT);
  return [`${project.organization}/${project.project}: ${granted}`];
}

function roleAmong<R extends string>(roles: readonly R[], role: string, where: string): R {
  const found = roles.find((known) => known === role);
  if (found !== undefined) return found;
  throw new ScriptoriumError("bad_request", `The roles of ${where} are ${roles.join(", ")}`);
}

function addList(user: Command): void {
  runs<object, []>(user.command("list").description("all users"), async ({ sql }) => {
    const users = await listUsers(sql);
    const text = formatTable(
      ["email", "name", "organizations", "projects", "sessions", "since"],
      users.map((one) => [
        one.email,
        one.name,
        one.organizations.join(", "),
        one.projects.join(", "),
        one.liveSessions,
        formatTime(one.createdAt),
      ]),
      "No users.",
    );
    return { text, json: { users } };
  });
}

function addToken(user: Command): void {
  const command = user
    .command("token")
    .description("sign a user in: a session token, shown once")
    .argument("<email>", "mail address", parseEmail)
    .option("--days <n>", "how long it is valid", parseDays, 30);
  runs<{ days: number }, [string]>(command, async ({ sql }, { days }, email) => {
    const { userId } = await userOf(sql, email);
    const expiresAt = new Date(Date.now() + days * DAY_MS);
    const { sessionId, token } = await createSession(sql, { userId, expiresAt }, SCRIPT);
    const text = `${token}\n\nValid until ${formatTime(expiresAt)}, shown only now.`;
    return { text, json: { token, sessionId, userId, expiresAt } };
  });
}

function addLink(user: Command): void {
  const command = user
    .command("link")
    .description("a link that signs a user in once, in a browser; shown once")
    .argument("<email>", "mail address", parseEmail)
    .option("--hours <n>", "how long it is valid", parseCount(MAX_LINK_HOURS), 24);
  runs<{ hours: number }, [string]>(command, async ({ sql, config }, { hours }, email) => {
    const { userId } = await userOf(sql, email);
    const base = publicUrl(config);
    const expiresAt = new Date(Date.now() + hours * HOUR_MS);
    const url = signInUrl(base, await createSignInLink(sql, { userId, expiresAt }, SCRIPT));
    const text = `${url}\n\nWorks once, until ${formatTime(expiresAt)}, shown only now.`;
    return { text, json: { url, userId, expiresAt } };
  });
}

function addSignOut(user: Command): void {
  const command = user
    .command("sign-out")
    .description("end all sessions of a user, and his unused sign-in links")
    .argument("<email>", "mail address", parseEmail);
  runs<object, [string]>(command, async ({ sql }, _options, email) => {
    const { userId } = await userOf(sql, email);
    const [ended, links] = await sql.begin(async (tx) => [
      await revokeSessions(tx, userId, { by: SCRIPT }),
      await revokeSignInLinks(tx, userId, SCRIPT),
    ]);
    const text = `Ended ${counted(ended, "session")} and ${counted(links, "unused link")} of ${email}.`;
    return { text, json: { userId, ended, links } };
  });
}
