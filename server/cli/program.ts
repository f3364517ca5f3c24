import { Command } from "commander";
import { addCompact } from "./commands/compact.ts";
import { addConfig } from "./commands/config.ts";
import { addDocument } from "./commands/document.ts";
import { addExport } from "./commands/export.ts";
import { addImport } from "./commands/import.ts";
import { addKey } from "./commands/key.ts";
import { addMigrate } from "./commands/migrate.ts";
import { addRepair } from "./commands/repair.ts";
import { addSeed } from "./commands/seed.ts";
import { addStats } from "./commands/stats.ts";
import { addUser } from "./commands/user.ts";
import { addVerify } from "./commands/verify.ts";

/** Everything `npm run admin --` can do. Parsing throws instead of ending the process; `silent` leaves the words to the caller. */
export function createProgram({ silent }: { silent: boolean }): Command {
  const program = new Command("admin")
    .description(
      "Looks after a Scriptorium: beside a running server or alone, on the same configuration",
    )
    .usage("<command> [options]")
    .showHelpAfterError('("--help" shows how it is called)')
    .configureOutput({
      writeErr: (text) => {
        if (!silent) process.stderr.write(text);
      },
    })
    .exitOverride();
  for (const add of [addMigrate, addSeed, addUser, addKey, addDocument, addImport, addExport]) {
    add(program);
  }
  for (const add of [addCompact, addVerify, addRepair, addStats, addConfig]) add(program);
  return program;
}
