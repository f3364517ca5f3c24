import type { Logger } from "pino";
import type { Bell } from "../extensions/bell.ts";
import { InboxStreams } from "../extensions/inbox-streams.ts";
import type { OnLimit } from "../extensions/limits.ts";
import type { Sql } from "../persistence/database.ts";
import type { Config } from "./config.ts";
import type { Storage } from "./storage.ts";

/** The event streams of a node. */
export const openInboxStreams = (
  {
    config,
    storage,
    logger,
  }: {
    readonly config: Config;
    readonly storage: Pick<Storage, "database">;
    readonly logger: Logger;
  },
  parts: { readonly sql: Sql; readonly bell: Bell; readonly onLimit: OnLimit },
): InboxStreams =>
  new InboxStreams({
    ...parts,
    connect: () => storage.database.connect(),
    everyMs: config.RIGHTS_CHECK_EVERY_MS,
    perPrincipal: config.STREAMS_PER_PRINCIPAL,
    inAll: config.STREAMS_AT_ONCE,
    logger,
  });
