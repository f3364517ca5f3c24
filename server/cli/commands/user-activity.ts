import type { Command } from "commander";
import { listActivities, type ListedActivity } from "../../../persistence/list-activities.ts";
import { parseCount, parseEmail } from "../arguments.ts";
import { formatTable, formatTime } from "../format.ts";
import { userOf } from "../references.ts";
import { runs } from "../run.ts";

/** `user activity`: who signed in, who gave whom which role, whose keys were made and ended. */
export function addActivity(user: Command): void {
  const command = user
    .command("activity")
    .description("who signed in, which roles and keys were given and taken, newest first")
    .argument("[email]", "what he did and what was done to him; absent: of everybody", parseEmail)
    .option("--limit <n>", "how many", parseCount(10_000), 50);
  runs<{ limit: number }, [string | undefined]>(command, async ({ sql }, { limit }, email) => {
    const userId = email === undefined ? null : (await userOf(sql, email)).userId;
    const activities = await listActivities(sql, { userId, limit });
    const text = formatTable(
      ["when", "who", "what", "whom or which", "where", "change", "more"],
      activities.map((one) => [
        formatTime(one.createdAt),
        whoOf(one),
        one.action,
        `${one.entityType} ${one.entityName ?? one.entityId ?? "unknown"}`,
        one.place === "" ? null : one.place,
        changesOf(one),
        moreOf(one),
      ]),
      "No activities.",
    );
    return { text, json: { activities } };
  });
}

const whoOf = ({ actorType, actorName, actorId, metadata }: ListedActivity): string =>
  actorType === "system" ? shown(metadata["via"] ?? "system") : (actorName ?? actorId ?? "");

const changesOf = ({ changes }: ListedActivity): string | null =>
  changes === null
    ? null
    : Object.entries(changes)
        .map(([field, { old, new: now }]) => `${field}: ${shown(old)} → ${shown(now)}`)
        .join(", ");

/** What a line has room for; `--json` has the rest. */
const moreOf = ({ metadata }: ListedActivity): string =>
  ["via", "network", "count"]
    .filter((name) => metadata[name] !== undefined)
    .map((name) => `${name} ${shown(metadata[name])}`)
    .join(", ");

function shown(value: unknown): string {
  if (value === null) return "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}
