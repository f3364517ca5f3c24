import type { Logger } from "pino";
import type { Bell } from "../extensions/bell.ts";
import { QuietBursts } from "../extensions/quiet-bursts.ts";
import { Upkeep, type UpkeepOptions } from "../extensions/upkeep.ts";
import { closeQuietBursts } from "../persistence/edit-bursts.ts";
import { forgetWhatIsOver } from "../persistence/forget.ts";
import { documentsToSweep } from "../persistence/sweep.ts";
import { UpkeepThread } from "../persistence/upkeep-tasks.ts";
import type { Config } from "./config.ts";
import { measureUpkeep } from "./measured-upkeep.ts";
import type { Metrics } from "./metrics.ts";
import type { Storage } from "./storage.ts";

/** Upkeep as this server is configured, measured, with a thread of its own. */
export function openUpkeep(
  {
    config,
    storage,
    logger,
  }: {
    readonly config: Config;
    readonly storage: Pick<Storage, "database" | "location">;
    readonly logger: Logger;
  },
  {
    metrics,
    bell,
    onCommitted,
  }: { readonly metrics: Metrics; readonly bell: Pick<Bell, "ring"> } & Pick<
    UpkeepOptions,
    "onCommitted"
  >,
): Upkeep {
  const { database, location } = storage;
  return new Upkeep({
    thread: measureUpkeep(new UpkeepThread({ location, logger }), metrics),
    logger,
    sweep: (limits) => documentsToSweep(database.sql, limits),
    forget: () => forgetWhatIsOver(database.sql),
    bursts: new QuietBursts({
      closeQuiet: () => closeQuietBursts(database.sql, config.EDIT_BURST_MS),
      quietMs: config.EDIT_BURST_MS,
      logger,
    }),
    ...(onCommitted !== undefined && { onCommitted }),
    onRung: (inboxes) => bell.ring(inboxes),
    projectAfterMs: config.PROJECT_AFTER_MS,
    projectAtLatestMs: config.PROJECT_AT_LATEST_MS,
    idleAfterMs: config.IDLE_AFTER_MS,
    versionIntervalMs: config.VERSION_INTERVAL_MS,
    sweepEveryMs: config.SWEEP_EVERY_MS,
  });
}
