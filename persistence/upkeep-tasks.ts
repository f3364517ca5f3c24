import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import { ERRORS, ScriptoriumError, type ErrorCode } from "../schema/errors.ts";
import type { Part } from "../schema/ids.ts";
import type { AppliedHunks, HunksTask as WantedHunks, PendingStandings } from "./apply-hunks.ts";
import type { BuiltUpdate } from "./built-update.ts";
import type { CompactionResult } from "./compaction.ts";
import type { CutSuggestion, SuggestionTask as WantedSuggestion } from "./cut-suggestion.ts";
import type { DatabaseLocation } from "./database.ts";
import type { ContentEdit } from "./edit-content.ts";
import type { AnchorTask as WantedAnchor, FoundAnchor } from "./find-anchor.ts";
import type { ProjectionResult } from "./projection.ts";
import type { RenderedSections } from "./render-sections.ts";
import type { RenderedContent, StoredContent } from "./render-stored.ts";
import type { CapturedVersion } from "./versions.ts";

type CompactTask = { kind: "compact"; documentId: string; part: Part; versionIntervalMs: number };
type ProjectTask = { kind: "project"; documentId: string };
type EditTask = { kind: "edit" } & ContentEdit;
type RenderTask = { kind: "render" } & StoredContent;
type SectionsTask = { kind: "sections"; documentId: string };
type CaptureTask = { kind: "capture"; documentId: string };
type AnchorTask = { kind: "anchor" } & WantedAnchor;
type SuggestTask = { kind: "suggest" } & WantedSuggestion;
type HunksTask = { kind: "hunks" } & WantedHunks;
type StandingsTask = { kind: "standings"; documentId: string };

/** What the upkeep thread can be asked to do. Every task may be repeated without harm [C4, P1]. */
export type UpkeepTask =
  | CompactTask
  | ProjectTask
  | EditTask
  | RenderTask
  | SectionsTask
  | CaptureTask
  | AnchorTask
  | SuggestTask
  | HunksTask
  | StandingsTask;

/** What it answers: the result of whichever task it was. */
export type UpkeepResult =
  | CompactionResult
  | ProjectionResult
  | BuiltUpdate
  | RenderedContent
  | RenderedSections
  | CapturedVersion
  | FoundAnchor
  | CutSuggestion
  | AppliedHunks
  | PendingStandings;

/** From the main thread to the upkeep thread. */
export type UpkeepRequest = { id: number; task: UpkeepTask };

/** The answer: a result, or why there is none. */
export type UpkeepReply = {
  id: number;
  result?: UpkeepResult;
  error?: { code: string; message: string };
};

type Waiting = {
  task: UpkeepTask;
  resolve: (result: UpkeepResult) => void;
  reject: (error: unknown) => void;
};

/** What one task may take, ms, and how many may wait for their turn. */
export type ThreadLimits = { readonly taskTimeoutMs: number; readonly maxWaiting: number };

const stopped = () => new ScriptoriumError("restarting", "Upkeep has stopped");

/**
 * Runs upkeep one task at a time in a worker thread, which starts with the first task.
 * A thread that dies fails the task it had; the next task starts another.
 */
export class UpkeepThread {
  readonly #location: DatabaseLocation;
  readonly #logger: Logger;
  readonly #limits: ThreadLimits | null;
  readonly #queue: Waiting[] = [];
  #worker: Worker | null = null;
  #current: { id: number; waiting: Waiting } | null = null;
  #lastId = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `limits`: for a thread that callers wait for. */
  constructor(options: { location: DatabaseLocation; logger: Logger; limits?: ThreadLimits }) {
    this.#location = options.location;
    this.#logger = options.logger;
    this.#limits = options.limits ?? null;
  }

  /** Compacts a document; errors carry the code that `compactDocument` threw. */
  async compact(task: Omit<CompactTask, "kind">): Promise<CompactionResult> {
    return (await this.#run({ kind: "compact", ...task })) as CompactionResult;
  }

  /** Projects a document's content. */
  async project(documentId: string): Promise<ProjectionResult> {
    return (await this.#run({ kind: "project", documentId })) as ProjectionResult;
  }

  /** Makes the update that gives a document other content; errors carry the code that `editContent` threw. */
  async edit(edit: ContentEdit): Promise<BuiltUpdate> {
    return (await this.#run({ kind: "edit", ...edit })) as BuiltUpdate;
  }

  /** Writes stored content as text. */
  async render(stored: StoredContent): Promise<RenderedContent> {
    return (await this.#run({ kind: "render", ...stored })) as RenderedContent;
  }

  /** Writes the sections of what is committed of a document. */
  async sections(documentId: string): Promise<RenderedSections> {
    return (await this.#run({ kind: "sections", documentId })) as RenderedSections;
  }

  /** Captures the committed state of a document, to be kept as a version. */
  async capture(documentId: string): Promise<CapturedVersion> {
    return (await this.#run({ kind: "capture", documentId })) as CapturedVersion;
  }

  /** Finds words in a document; errors carry the code that `findAnchor` threw. */
  async anchor(wanted: WantedAnchor): Promise<FoundAnchor> {
    return (await this.#run({ kind: "anchor", ...wanted })) as FoundAnchor;
  }

  /** Cuts a suggestion into hunks; errors carry the code that `cutSuggestion` threw. */
  async suggest(wanted: WantedSuggestion): Promise<CutSuggestion> {
    return (await this.#run({ kind: "suggest", ...wanted })) as CutSuggestion;
  }

  /** Applies hunks or takes them back; errors carry the code that `applyHunks` threw. */
  async hunks(wanted: WantedHunks): Promise<AppliedHunks> {
    return (await this.#run({ kind: "hunks", ...wanted })) as AppliedHunks;
  }

  /** How the hunks of a document stand that wait for a decision. */
  async standings(documentId: string): Promise<PendingStandings> {
    return (await this.#run({ kind: "standings", documentId })) as PendingStandings;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#queue.splice(0)) reject(stopped());
    // A transaction that is cut here is rolled back by PostgreSQL: the old state stays.
    await this.#worker?.terminate();
  }

  #run(task: UpkeepTask): Promise<UpkeepResult> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(stopped());
        return;
      }
      if (this.#queue.length >= (this.#limits?.maxWaiting ?? Number.POSITIVE_INFINITY)) {
        reject(new ScriptoriumError("too_many_requests", "Too much is waiting for its turn"));
        return;
      }
      this.#queue.push({ task, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#current !== null || this.#closed) return;
    const waiting = this.#queue.shift();
    if (waiting === undefined) return;
    this.#lastId += 1;
    this.#current = { id: this.#lastId, waiting };
    this.#worker ??= this.#start();
    const id = this.#lastId;
    try {
      this.#worker.postMessage({ id, task: waiting.task } satisfies UpkeepRequest);
    } catch {
      // The one thing that cannot be sent: content that nests deeper than the stack is long.
      this.#finish({ id, error: { code: "bad_content", message: "It is nested too deep" } });
      return;
    }
    if (this.#limits === null) return;
    this.#timer = setTimeout(() => this.#giveUp(id), this.#limits.taskTimeoutMs).unref();
  }

  /** A thread cannot be interrupted, only ended: the next task starts another. */
  #giveUp(id: number): void {
    const worker = this.#worker;
    this.#worker = null;
    worker?.terminate().catch(() => {});
    const isEdit = ["edit", "suggest"].includes(this.#current?.waiting.task.kind ?? "");
    const error = isEdit
      ? { code: "too_large", message: "This would take too long; send it in smaller pieces" }
      : { code: "storage_unavailable", message: "This takes too long at the moment" };
    this.#finish({ id, error });
  }

  #start(): Worker {
    const worker = new Worker(new URL("./upkeep-worker.ts", import.meta.url), {
      workerData: { location: this.#location },
    });
    worker.on("message", (reply: UpkeepReply) => this.#finish(reply));
    worker.on("error", (error) => this.#logger.error({ err: error }, "upkeep thread failed"));
    worker.on("exit", () => {
      // One that was given up has a successor already, and the task is the successor's.
      if (this.#worker !== worker) return;
      this.#worker = null;
      if (this.#current === null) return;
      const error = { code: "internal", message: "The upkeep thread ended" };
      this.#finish({ id: this.#current.id, error });
    });
    worker.unref();
    return worker;
  }

  #finish({ id, result, error }: UpkeepReply): void {
    if (this.#current?.id !== id) return;
    const { waiting } = this.#current;
    this.#current = null;
    clearTimeout(this.#timer);
    if (result === undefined) {
      waiting.reject(toError(error));
    } else waiting.resolve(result);
    this.#next();
  }
}

/** As it was thrown in the thread: an error of ours, or one that carries PostgreSQL's or the system's code. */
function toError(error: UpkeepReply["error"]): Error {
  const { code = "internal", message = "no result" } = error ?? {};
  if (Object.hasOwn(ERRORS, code)) return new ScriptoriumError(code as ErrorCode, message);
  return Object.assign(new Error(message), { code });
}
