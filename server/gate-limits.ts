import type { GateLimits } from "../extensions/update-intake.ts";
import type { Config } from "./config.ts";

/** What updates may hold, from the configuration. */
export function gateLimits(config: Config): GateLimits {
  const depths = { maxDepth: config.MAX_NESTING, maxValueDepth: config.MAX_VALUE_NESTING };
  return {
    update: {
      ...depths,
      maxBytes: config.MAX_UPDATE_BYTES,
      maxStructs: config.MAX_UPDATE_STRUCTS,
    },
    firstSync: {
      ...depths,
      maxBytes: config.MAX_FIRST_SYNC_BYTES,
      maxStructs: config.MAX_FIRST_SYNC_STRUCTS,
    },
    maxNewClients: config.MAX_NEW_CLIENTS,
    apart: { bytes: config.CHECK_APART_BYTES, structs: config.CHECK_APART_STRUCTS },
  };
}
