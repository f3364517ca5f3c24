import { compactDocument } from "../../persistence/compaction.ts";
import { createDatabase, errorCode } from "../../persistence/database.ts";
import type { CompactorJob, CompactorReply } from "./compactor-process.ts";

// The program of compactor-process.ts: compacts until its parent lets go of it.
const database = createDatabase({
  location: process.env["DATABASE_URL"] ?? "",
  applicationName: "scriptorium-test-compactor",
});
const sql = database.connect({ maxConnections: 1 });
await sql`select 1`;

const answer = (reply: CompactorReply): boolean | undefined => process.send?.(reply);

const die = (): Promise<never> => {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
};

async function perform({ documentId, part, killAt }: CompactorJob): Promise<CompactorReply> {
  try {
    const result = await compactDocument(
      sql,
      { documentId, part },
      {
        versions: { minIntervalMs: 0 },
        atStatement: (name) => (name === killAt ? die() : undefined),
      },
    );
    if (killAt === "after") await die();
    return { result };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { error: { message, code: errorCode(error) } };
  }
}

process.on("message", (job: CompactorJob) => {
  perform(job).then(answer, die);
});
process.once("disconnect", () => {
  Promise.all([sql.end({ timeout: 1 }), database.close()]).then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
answer({ ready: true });
