import type { Logger } from "pino";
import { noteFailedSignIns, type FailedSignIn } from "../persistence/activities.ts";
import type { Sql } from "../persistence/database.ts";
import { coarseNetworkOf } from "../schema/networks.ts";

/** A wrong token, or one that nobody looked at because its network had sent too many. */
export type Failure = {
  readonly kind: FailedSignIn["via"];
  /** Where it comes from, as `networkOf` writes it. */
  readonly network: string;
  readonly isLookedAt: boolean;
  /** The key that exists, where it was its secret that was wrong. */
  readonly key?: KnownKey | null;
};

/** Which key it was, and where it works. */
export type KnownKey = {
  readonly keyId: string;
  readonly organizationId: string;
  readonly projectId: string | null;
};

/** How long failures gather for the audit log, ms, and into how many rows: a flood must not write one for each. */
const GATHER_MS = 60_000;
const MAX_ROWS = 20;

type Gathered = { -readonly [K in keyof FailedSignIn]: FailedSignIn[K] };

/** Tells the audit log of failed sign-ins, counted by kind, key and network. Whoever opened it closes it. */
export class FailedSignIns {
  readonly #sql: Sql;
  readonly #logger: Logger;
  readonly #gatherMs: number;
  #gathered = new Map<string, Gathered>();
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: { sql: Sql; logger: Logger; gatherMs?: number }) {
    this.#sql = options.sql;
    this.#logger = options.logger;
    this.#gatherMs = options.gatherMs ?? GATHER_MS;
  }

  note({ kind, network, isLookedAt, key = null }: Failure): void {
    const from = coarseNetworkOf(network);
    const row = this.#rowOf(`${kind} ${key?.keyId ?? ""} ${from}`, {
      via: kind,
      key,
      network: from,
    });
    if (isLookedAt) row.count += 1;
    else row.turnedAway += 1;
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => void this.#write(), this.#gatherMs).unref();
  }

  /** Writes what was gathered. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#write();
  }

  /** What there is no room for counts as from anywhere. */
  #rowOf(name: string, row: Pick<FailedSignIn, "via" | "key" | "network">): Gathered {
    const isFull = this.#gathered.size >= MAX_ROWS && !this.#gathered.has(name);
    const id = isFull ? `${row.via} elsewhere` : name;
    const known = this.#gathered.get(id);
    if (known !== undefined) return known;
    const place = isFull ? { key: null, network: null } : {};
    const made: Gathered = { ...row, ...place, count: 0, turnedAway: 0 };
    this.#gathered.set(id, made);
    return made;
  }

  /** What cannot be written is lost, and the log says how much: nobody is kept waiting for it. */
  async #write(): Promise<void> {
    const rows = [...this.#gathered.values()];
    this.#gathered = new Map();
    this.#timer = null;
    if (rows.length === 0) return;
    try {
      await noteFailedSignIns(this.#sql, rows);
    } catch (error) {
      const failures = rows.reduce((sum, { count }) => sum + count, 0);
      this.#logger.warn({ err: error, failures }, "failed sign-ins are not in the audit log");
    }
  }
}
