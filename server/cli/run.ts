import type { Command } from "commander";
import { pino } from "pino";
import { pendingMigrations } from "../../persistence/migrate.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import { readConfig, type Config } from "../config.ts";
import { openStorage, type Storage } from "../storage.ts";
import type { Sql } from "../../persistence/database.ts";
import { onInterrupt } from "./interrupt.ts";

/** What a command has to say: text for a person, the same as JSON for a program. */
export type Answer = {
  readonly text: string;
  readonly json: unknown;
  /** It was done, but not all of it, or it found problems: exit code 1. */
  readonly failed?: boolean;
  /** For a person, on standard error: what standard output must not mix with its content. */
  readonly note?: string;
};

/** What a command works with. */
export type Context = {
  readonly config: Config;
  readonly storage: Storage;
  readonly sql: Sql;
  readonly json: boolean;
  /** A progress bar even where nobody seems to look. */
  readonly progress: boolean;
  readonly yes: boolean;
  /** Aborted by Ctrl-C: finish what is begun, then stop. */
  readonly signal: AbortSignal;
};

type CommonOptions = { json?: true; progress?: true; yes?: true };

/** Gives a command `--json` and what it does without a database. */
export function answers(command: Command, act: () => Answer): void {
  command.option("--json", "answer with JSON");
  command.action(() => print(act(), command.opts<CommonOptions>().json === true));
}

/**
 * Gives a command `--json` and what it does on the database that the configuration names.
 * The database is opened before and closed after, however it ends.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- each command says what its options are: commander cannot
export function runs<Options extends object, Arguments extends readonly unknown[]>(
  command: Command,
  act: (context: Context, options: Options, ...args: Arguments) => Promise<Answer>,
  { migrated = true }: { migrated?: boolean } = {},
): void {
  command.option("--json", "answer with JSON");
  command.action(async () => {
    const options = command.opts<Options & CommonOptions>();
    const { json = false, progress = false, yes = false } = options;
    const config = readConfig();
    const logger = pino({ level: "warn" }, pino.destination({ fd: 2, sync: true }));
    const storage = await openStorage(config, { applicationName: "scriptorium-admin", logger });
    const interrupt = onInterrupt();
    try {
      if (migrated) await requireSchema(storage.database.sql);
      const { signal } = interrupt;
      const context = { config, storage, sql: storage.database.sql, json, progress, yes, signal };
      // Commander has checked the number of arguments and parsed each.
      print(await act(context, options, ...(command.processedArgs as unknown as Arguments)), json);
    } finally {
      interrupt.close();
      await storage.close();
    }
  });
}

/** Says so before a statement fails on a missing column; migrating is left to the server or to `migrate`. */
async function requireSchema(sql: Sql): Promise<void> {
  const pending = await pendingMigrations(sql);
  if (pending === 0) return;
  throw new ScriptoriumError(
    "bad_configuration",
    `The database lacks ${pending} migrations; start the server once, or run "npm run admin -- migrate"`,
  );
}

function print({ text, json: value, failed = false, note }: Answer, json: boolean): void {
  const output = json ? JSON.stringify(value, null, 2) : text;
  if (output !== "") process.stdout.write(output.endsWith("\n") ? output : `${output}\n`);
  if (note !== undefined && !json) process.stderr.write(`${note}\n`);
  if (failed) process.exitCode = 1;
}
