import type { ApiName } from "../../schema/api/index.ts";

/** A tool is a route of the REST contract by its name: what goes in and out, who may, what is refused stands there. */
export type Tool = {
  readonly route: ApiName;
  /** For a model that chooses between tools. */
  readonly description: string;
  /** What arguments of the query are where none are given, instead of what the contract says. */
  readonly defaults?: Readonly<Record<string, string>>;
};

/** Every tool, by its name. To add one is to add an entry. */
export const TOOLS: Readonly<Record<string, Tool>> = {
  who_am_i: {
    route: "getMe",
    description: "Who you are here, what your key reaches, and the scopes and role that bound it.",
  },
  list_projects: {
    route: "listProjects",
    description: "List the projects that you may see; documents belong to projects.",
  },
  list_documents: {
    route: "listDocuments",
    description: "List the documents of a project with their ids and titles, without their text.",
  },
  search: {
    route: "search",
    description:
      "Find documents by words in their titles and texts, the best match first, with the passage.",
  },
  read_document: {
    route: "getContent",
    description:
      "Read the whole text of a document: as Markdown, or with format json as Tiptap JSON, which has the ids of its blocks.",
    defaults: { format: "markdown" },
  },
  read_outline: {
    route: "getOutline",
    description:
      "Read what sections a document has: their ids, headings and sizes, and hashes that change with what they say.",
  },
  read_section: {
    route: "getSection",
    description:
      "Read one section of a document: its heading and what stands below it, as Markdown, or with format json as Tiptap JSON.",
    defaults: { format: "markdown" },
  },
  list_threads: {
    route: "listThreads",
    description:
      "List the comment threads of a document: their first comments, what words they are about, whether they are resolved.",
  },
  read_thread: {
    route: "getThread",
    description: "Read a comment thread with all its replies.",
  },
  comment: {
    route: "createThread",
    description:
      "Begin a comment thread, on words of the text (anchor.quote, exactly as a reader sees them, without Markdown signs) or without an anchor on the whole document.",
  },
  reply: {
    route: "createReply",
    description: "Reply in a comment thread; whoever takes part in it is notified.",
  },
  edit_comment: {
    route: "updateComment",
    description: "Give a comment that you wrote other words.",
  },
  resolve: {
    route: "resolveThread",
    description: "Resolve a comment thread when what it asks for is done.",
  },
  reopen: {
    route: "reopenThread",
    description: "Open a resolved comment thread again.",
  },
  propose: {
    route: "createSuggestion",
    description:
      "Propose changes of a document, which people accept or reject piece by piece: sections that say something else (diffs), or all of the text as it is to be (content). Send as baseSeq the seq that you read it at.",
  },
  announce_presence: {
    route: "announcePresence",
    description:
      "Tell the people who have a document open that you work in it, and in which section; counts for half a minute.",
  },
  list_suggestions: {
    route: "listSuggestions",
    description: "List what was suggested for a document, the newest first.",
  },
  read_suggestion: {
    route: "getSuggestion",
    description:
      "Read a suggestion: each of its pieces, whether it still fits the text of now, and what people decided, with their reasons.",
  },
  dry_run: {
    route: "tryOutSuggestion",
    description:
      "See what the document would say if a suggestion, or some of its pieces, were accepted, and which comments it would touch. Changes nothing.",
  },
  read_outcomes: {
    route: "listOutcomes",
    description:
      "Read what became of everything that an agent suggested, the newest first; who_am_i tells your agentId.",
  },
  read_inbox: {
    route: "listNotifications",
    description:
      "Read what you were told, the newest first: mentions of you, replies, resolved threads, decisions on what you suggested. With unread true only what is new.",
  },
  mark_read: {
    route: "readNotification",
    description: "Mark one notification of your inbox as read.",
  },
  mark_all_read: {
    route: "readAllNotifications",
    description: "Mark your inbox as read up to the newest position that you have seen.",
  },
};
