import type { Logger } from "pino";
import type { Bell } from "../extensions/bell.ts";
import { createCommands, type Commands } from "../extensions/commands.ts";
import { createDiscussions, type Discussions } from "../extensions/discussions/discussions.ts";
import { createSuggestions, type Suggestions } from "../extensions/suggestions/suggestions.ts";
import type { SuggestionWatch } from "../extensions/suggestions/watch.ts";
import type { Upkeep } from "../extensions/upkeep.ts";
import type { Sql } from "../persistence/database.ts";
import type { UpkeepThread } from "../persistence/upkeep-tasks.ts";
import type { Admission } from "./admission.ts";
import type { Collaboration } from "./collaboration.ts";
import { discussionHandlers } from "./rest/discussions.ts";
import { suggestionHandlers } from "./rest/suggestions.ts";
import { createSocketCalls, type SocketCalls } from "./rest/socket-calls.ts";

/** The commands of a node, and how they are called on a socket. */
type OpenedCommands = {
  readonly commands: Commands;
  readonly discussions: Discussions;
  readonly suggestions: Suggestions;
  readonly calls: SocketCalls;
};

/** Puts together what writes in documents without being an editor. */
export function openCommands({
  sql,
  logger,
  collaboration,
  upkeep,
  readingThread,
  suggestionThread,
  decidingThread,
  suggestionWatch,
  admission,
  bell,
}: {
  readonly sql: Sql;
  readonly logger: Logger;
  readonly collaboration: Collaboration;
  readonly upkeep: Upkeep;
  readonly readingThread: UpkeepThread;
  readonly suggestionThread: UpkeepThread;
  readonly decidingThread: UpkeepThread;
  readonly suggestionWatch: Pick<SuggestionWatch, "changed">;
  readonly admission: Admission;
  readonly bell: Bell;
}): OpenedCommands {
  const { documents: live, rights } = collaboration;
  const commands = createCommands({ sql, live, upkeep });
  const discussions = createDiscussions({ commands, ring: bell.ring });
  const changed = (documentId: string): void => suggestionWatch.changed(documentId);
  const threads = { decidingThread, suggestionThread };
  const suggestionDoors = { commands, ...threads, ring: bell.ring, changed };
  const suggestions = createSuggestions(suggestionDoors);
  const handlers = {
    ...discussionHandlers({ discussions, readingThread }),
    ...suggestionHandlers({ suggestions, suggestionThread }),
  };
  const { requests } = admission;
  const calls = createSocketCalls({ sql, logger, rights, requests, handlers });
  return { commands, discussions, suggestions, calls };
}
