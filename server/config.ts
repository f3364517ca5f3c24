import { z } from "zod";
import { ScriptoriumError } from "../schema/errors.ts";
import { limitSettings } from "./limit-settings.ts";

const count = (fallback: number) => z.coerce.number().int().positive().default(fallback);
const ms = (fallback: number) => z.coerce.number().int().nonnegative().default(fallback);
const MIB = 1024 * 1024;

const webAddress = () =>
  z.url({ protocol: /^https?$/u, error: "must begin with https:// or http://" }).optional();

/** RFC 7518, 3.2: a key of HS256 is at least as long as its hash. */
const MIN_SECRET_BYTES = 32;

/** Every environment variable there is. docs/CONFIGURATION.md is printed from this by `npm run admin -- config`. */
export const configSchema = z.object({
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(8787)
    .describe("Port to listen on; 0 takes a free one"),
  HOST: z.string().min(1).default("127.0.0.1").describe("Address to listen on"),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//u, "must start with postgres:// or postgresql://")
    .optional()
    .describe("Your PostgreSQL, 15 or newer; absent: an embedded one in DATA_DIR"),
  DATA_DIR: z.string().min(1).default(".data").describe("Folder of the embedded PostgreSQL"),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
    .default("info")
    .describe("How much is logged, as JSON lines on standard error"),
  PUBLIC_URL: webAddress().describe(
    "Where people reach this server, for sign-in links; absent: http://HOST:PORT",
  ),
  JWT_SECRET: z
    .string()
    .refine(
      (secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES,
      `must have at least ${MIN_SECRET_BYTES} bytes`,
    )
    .optional()
    .describe("Your application signs its users' tokens with this (HS256)"),
  JWKS_URL: webAddress().describe(
    "… or publishes its keys here (RS256, ES256, EdDSA); one of the two",
  ),
  JWT_ISSUER: z.string().optional().describe("What `iss` of such a token must be"),
  JWT_AUDIENCE: z.string().optional().describe("What `aud` of it must be, or hold"),
  JWT_CREATE_USERS: z
    .enum(["true", "false"])
    .default("false")
    .transform((value) => value === "true")
    .describe("A person who is not known here becomes a user at his first sign-in by such a token"),
  NEW_ORGANIZATIONS: z
    .enum(["true", "false"])
    .optional()
    .transform((value) => (value === undefined ? undefined : value === "true"))
    .describe(
      "People may make organizations of their own and choose their slugs; absent: yes, unless JWTs are taken, which name one by its slug",
    ),
  METRICS_TOKEN: z
    .string()
    .refine((token) => /^\S{16,}$/u.test(token), "must have 16 characters or more, and no space")
    .optional()
    .describe("What /metrics asks for as a bearer token; absent: it answers this machine only"),
  SIGN_IN_FAILURES_PER_MINUTE: count(600).describe(
    "Wrong tokens of one address in a minute; then only those that were good lately are looked at",
  ),
  AUTO_MIGRATE: z
    .enum(["true", "false"])
    .default("true")
    .transform((value) => value === "true")
    .describe("Apply migrations at start; false: refuse to start while some are pending"),
  COMMIT_WINDOW_MS: ms(3).describe("How long updates gather for one commit, ms"),
  COMMIT_TIMEOUT_MS: ms(10_000).describe(
    "No reply to a commit for this long, ms: try on a new connection",
  ),
  DOCUMENT_BACKLOG_BYTES: count(8 * MIB).describe(
    "Uncommitted bytes of one document at which its writers are told (4503)",
  ),
  TOTAL_BACKLOG_BYTES: count(256 * MIB).describe(
    "Uncommitted bytes of all documents at which every writer is told (4503)",
  ),
  MAX_UPDATE_BYTES: count(MIB).describe("Bytes of one edit from a socket (4413)"),
  MAX_FIRST_SYNC_BYTES: count(16 * MIB).describe(
    "Bytes of what a client brings when it opens a document (4413)",
  ),
  MAX_UPDATE_STRUCTS: count(50_000).describe("Parts of one edit, as Yjs counts them (4400)"),
  MAX_FIRST_SYNC_STRUCTS: count(500_000).describe(
    "Parts of what a client brings when it opens a document (4400)",
  ),
  CHECK_APART_BYTES: count(64 * 1024).describe(
    "An update of more bytes is tried in a thread first",
  ),
  CHECK_APART_STRUCTS: count(500).describe("… or of more parts"),
  CHECK_CPU_MS: count(500).describe("CPU time that such an update may take there, ms (4400)"),
  MAX_NEW_CLIENTS: count(1000).describe(
    "New Yjs client ids of one author in one document in an hour (4400)",
  ),
  MAX_NESTING: count(100).describe("How deep the elements of a document nest (4400)"),
  MAX_VALUE_NESTING: count(16).describe("How deep the value of an attribute nests (4400)"),
  PROJECT_AFTER_MS: ms(2000).describe(
    "A document's JSON and text follow this long after its last commit, ms",
  ),
  PROJECT_AT_LATEST_MS: ms(15_000).describe("… and at the latest this long after the first, ms"),
  EDIT_BURST_MS: ms(300_000).describe(
    "Edits of one author become one activity when he has been quiet for this long, ms",
  ),
  IDLE_AFTER_MS: ms(300_000).describe(
    "An open document that is quiet this long is compacted and gets a version, ms",
  ),
  VERSION_INTERVAL_MS: ms(600_000).describe(
    "While people type, an automatic version at most this often, ms",
  ),
  RIGHTS_CHECK_EVERY_MS: count(1000).describe(
    "How often the rights of open sockets are compared with the database, ms; changes over REST are heeded at once",
  ),
  SWEEP_EVERY_MS: count(60_000).describe(
    "How often documents left behind by a crash are looked for, ms",
  ),
  ...limitSettings,
});

/** Or a part of them is: the value of such a variable is not repeated. */
const SECRETS: readonly string[] = ["DATABASE_URL", "JWT_SECRET", "JWKS_URL", "METRICS_TOKEN"];

export type Config = Readonly<z.output<typeof configSchema>>;

/**
 * Reads the environment. An empty variable counts as absent.
 * @throws ScriptoriumError `bad_configuration`, one line for each wrong variable: its name, its value, what is allowed.
 */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const present = Object.fromEntries(
    Object.keys(configSchema.shape)
      .map((name) => [name, environment[name]] as const)
      .filter(([, value]) => value !== undefined && value !== ""),
  );
  const result = configSchema.safeParse(present);
  const faults = result.success
    ? jwtFaults(result.data)
    : result.error.issues.map((issue) => {
        const name = String(issue.path[0]);
        const value = SECRETS.includes(name) ? "" : ` is ${JSON.stringify(present[name])};`;
        return `${name}${value} ${allowed(issue)}`;
      });
  if (result.success && faults.length === 0) return Object.freeze(result.data);
  throw new ScriptoriumError("bad_configuration", faults.join("\n"));
}

/** A token that is good for another application, or another use of the same key, must not be good here. */
function jwtFaults({ JWT_SECRET, JWKS_URL, JWT_ISSUER, JWT_AUDIENCE }: Config): string[] {
  if (JWT_SECRET !== undefined && JWKS_URL !== undefined) {
    return [
      "JWT_SECRET and JWKS_URL are both set; tokens are checked with one of them, unset the other",
    ];
  }
  if (JWT_SECRET === undefined && JWKS_URL === undefined) return [];
  const which = JWT_SECRET === undefined ? "JWKS_URL" : "JWT_SECRET";
  return Object.entries({ JWT_ISSUER, JWT_AUDIENCE })
    .filter(([, value]) => value === undefined)
    .map(([name]) => `${name} is missing; with ${which} set it must say which tokens are for us`);
}

function allowed(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_value") return `allowed are ${issue.values.join(", ")}`;
  if (issue.code === "too_small") return `it must be at least ${lowest(issue)}`;
  if (issue.code === "too_big") return `it must be at most ${issue.maximum}`;
  if (issue.code === "invalid_type") return "a whole number is needed";
  return issue.message;
}

const lowest = (issue: z.core.$ZodIssueTooSmall): number =>
  Number(issue.minimum) + (issue.inclusive === false ? 1 : 0);

/** The configuration of this process. */
export const readConfig = (): Config => parseConfig(process.env);
