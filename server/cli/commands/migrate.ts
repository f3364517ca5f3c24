import type { Command } from "commander";
import { migrate, pendingMigrations } from "../../../persistence/migrate.ts";
import { counted } from "../format.ts";
import { runs } from "../run.ts";

/** `migrate`: brings the schema up to date. */
export function addMigrate(program: Command): void {
  const command = program
    .command("migrate")
    .description("bring the database's schema up to date, all of it or nothing")
    .option("--dry-run", "say how many migrations are pending, apply none");
  runs<{ dryRun?: true }, []>(
    command,
    async ({ sql }, { dryRun = false }) => {
      if (dryRun) {
        const pending = await pendingMigrations(sql);
        return { text: `${counted(pending, "migration")} pending`, json: { pending } };
      }
      const { applied } = await migrate(sql);
      return { text: `${counted(applied, "migration")} applied`, json: { applied } };
    },
    { migrated: false },
  );
}
