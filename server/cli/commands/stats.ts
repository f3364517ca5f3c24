import type { Command } from "commander";
import { readStats, type Stats } from "../../../persistence/stats.ts";
import { parseCount } from "../arguments.ts";
import { counted, formatBytes, formatFields, formatTable, plain } from "../format.ts";
import { runs } from "../run.ts";

/** `stats`: how much there is, and what waits to be done. */
export function addStats(program: Command): void {
  const command = program
    .command("stats")
    .description("how much is stored, which documents are big, what is waiting or broken")
    .option("--top <n>", "how many of the biggest documents", parseCount(1000), 10);
  runs<{ top: number }, []>(command, async ({ sql }, { top }) => {
    const stats = await readStats(sql, { top });
    return { text: statsText(stats), json: stats };
  });
}

/** A title may have 200 characters, and a table is read in lines. */
const TITLE_CHARACTERS = 60;

function shortened(title: string): string {
  const characters = Array.from(new Intl.Segmenter().segment(title), ({ segment }) => segment);
  if (characters.length <= TITLE_CHARACTERS) return title;
  return `${characters.slice(0, TITLE_CHARACTERS - 1).join("")}…`;
}

function statsText({ counts, stored, biggest, quarantined }: Stats): string {
  const sized = (count: number, bytes: number): string => `${count} (${formatBytes(bytes)})`;
  const fields = formatFields([
    ["organizations", counts.organizations],
    ["projects", counts.projects],
    ["users", counts.users],
    ["signed in", `${counted(counts.liveSessions, "session")}, ${counted(counts.liveKeys, "key")}`],
    ["documents", `${counts.documents}, and ${counts.deletedDocuments} deleted`],
    ["log rows", sized(stored.logRows, stored.logBytes)],
    ["snapshots", sized(stored.snapshots, stored.snapshotBytes)],
    [
      "history rows",
      `${sized(stored.historyRows, stored.historyBytes)}, unpacked ${formatBytes(stored.historyRawBytes)}`,
    ],
    ["versions", sized(stored.versions, stored.versionBytes)],
    ["database", `${formatBytes(counts.databaseBytes)} on disk, with indexes`],
    [
      "not projected",
      `${stored.projectionBacklog} documents, ${stored.projectionBacklogUpdates} updates behind`,
    ],
    ["quarantined", quarantined.length],
  ]);
  const big = formatTable(
    ["biggest", "title", "head", "snapshot", "log", "history"],
    biggest.map((one) => [
      one.documentId,
      shortened(one.title),
      one.headSeq,
      formatBytes(one.snapshotBytes),
      formatBytes(one.logBytes),
      formatBytes(one.historyBytes),
    ]),
    "No documents.",
  );
  const broken = quarantined.map(({ documentId, part, seq, reason }) =>
    plain(`${documentId} (${part}) is quarantined at seq ${seq}: ${reason ?? ""}`),
  );
  return [fields, "", big, ...broken].join("\n");
}
