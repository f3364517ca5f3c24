import type { Connection } from "@hocuspocus/server";
import type { SqlOrTransaction } from "../persistence/database.ts";
import { standingsOf, type StandingQuestion } from "../persistence/standing.ts";
import { ScriptoriumError, type ErrorCode } from "../schema/errors.ts";
import type { DocumentAddress } from "../schema/ids.ts";
import type { SocketContext } from "./collaboration-socket.ts";
import {
  concerns,
  judge,
  questionOf,
  type Grounds,
  type RightsChange,
  type Verdict,
} from "./grounds.ts";

type Verdicts = ReadonlyMap<Connection, Verdict>;

/** So many connections are judged by one statement of the watch: the event loop is others' meanwhile. */
const JUDGED_AT_ONCE = 500;

/** Changes that are remembered for the sake of whoever is just opening a document. */
const REMEMBERED = 10_000;

/**
 * Who has which document open on this node, and on what grounds [A3].
 *
 * Maintained invariant: once a change is committed and told here, no connection stands on what was before it.
 * Whoever was in is judged inside the changing transaction and cut in the turn in which its COMMIT is known. Whoever
 * came in meanwhile, or comes with an answer from before, is sent away and returns with the rights he has then.
 */
export class LiveRights {
  readonly #open = new Map<Connection, Grounds>();
  /** The newest last; `#forgotten` were before them. */
  #changes: RightsChange[] = [];
  #forgotten = 0;

  /** Every open document of every socket. A socket with two documents has two connections. */
  get open(): ReadonlyMap<Connection, Grounds> {
    return this.#open;
  }

  /** Noted before rights are asked for: what changes from then on makes the answer outdated. */
  get moment(): number {
    return this.#forgotten + this.#changes.length;
  }

  /** True when grounds that were asked for at `moment` may be wrong by now. */
  isOutdated(moment: number, grounds: Grounds, address: DocumentAddress): boolean {
    if (moment < this.#forgotten) return true;
    const since = this.#changes.slice(moment - this.#forgotten);
    return since.some((change) => concerns(change, grounds, address));
  }

  /** A document is open, or stays open, on these grounds. */
  admit(connection: Connection, grounds: Grounds): void {
    if (!connection.document.hasConnection(connection)) return;
    if (!this.#open.has(connection)) connection.onClose(() => this.#open.delete(connection));
    this.#open.set(connection, grounds);
  }

  /**
   * Judges everybody whom these changes concern with one statement, inside the transaction that makes them. The answer
   * is to be called when it is committed: it cuts at once whoever may do less than when he came, or more.
   */
  async review(sql: SqlOrTransaction, changes: readonly RightsChange[]): Promise<() => void> {
    const verdicts = await this.#judge(sql, this.#concerned(changes));
    return () => {
      this.#remember(changes);
      const isJudged = (connection: Connection): boolean =>
        verdicts.get(connection)?.before === this.#open.get(connection);
      const unjudged = this.#concerned(changes).filter((connection) => !isJudged(connection));
      const refused = this.#settle(verdicts);
      for (const connection of unjudged) refused.set(connection, "restarting");
      cut(refused);
    };
  }

  /** Judges everybody. Every change is found so, whoever made it, and what ended by the clock. */
  async reviewAll(sql: SqlOrTransaction): Promise<void> {
    const everybody = [...this.#open.keys()];
    for (let at = 0; at < everybody.length; at += JUDGED_AT_ONCE) {
      cut(this.#settle(await this.#judge(sql, everybody.slice(at, at + JUDGED_AT_ONCE))));
    }
  }

  #concerned(changes: readonly RightsChange[]): Connection[] {
    return [...this.#open]
      .filter(([connection, grounds]) =>
        changes.some((change) => concerns(change, grounds, addressOf(connection))),
      )
      .map(([connection]) => connection);
  }

  #remember(changes: readonly RightsChange[]): void {
    this.#changes.push(...changes);
    if (this.#changes.length <= REMEMBERED) return;
    this.#forgotten += this.#changes.length;
    this.#changes = [];
  }

  async #judge(sql: SqlOrTransaction, connections: readonly Connection[]): Promise<Verdicts> {
    const questions = new Map<string, StandingQuestion>();
    const asked = connections.flatMap((connection) => {
      const before = this.#open.get(connection);
      if (before === undefined) return [];
      const address = addressOf(connection);
      const question = questionOf(before, address);
      const key = Object.values(question).join();
      questions.set(key, question);
      return [{ connection, before, address, key }];
    });
    if (questions.size === 0) return new Map();
    const standings = await standingsOf(sql, [...questions.values()]);
    const byKey = new Map([...questions.keys()].map((key, index) => [key, standings[index]]));
    return new Map(
      asked.map(({ connection, before, address, key }) => {
        const standing = byKey.get(key);
        if (standing === undefined) throw new ScriptoriumError("internal", "Nothing was answered");
        return [connection, judge(before, address, standing)];
      }),
    );
  }

  /** Whom the verdicts turn away; not whoever has renewed his token meanwhile, he was not judged by it. */
  #settle(verdicts: Verdicts): Map<Connection, ErrorCode> {
    const refused = new Map<Connection, ErrorCode>();
    for (const [connection, { before, now, code }] of verdicts) {
      if (this.#open.get(connection) !== before) continue;
      if (code === null) this.#open.set(connection, now);
      else refused.set(connection, code);
    }
    return refused;
  }
}

/**
 * Closes the sockets of these connections, for the program's reason if it is true of all documents on the socket. Else
 * all of them return, and each is told what concerns it: a document is never closed alone (FIELD-NOTES 7).
 */
export function cut(refused: ReadonlyMap<Connection, ErrorCode>): void {
  const bySocket = Map.groupBy(refused, ([connection]) => contextOf(connection).socket);
  for (const [socket, connections] of bySocket) {
    const [code, ...others] = new Set(connections.map(([, each]) => each));
    const isTrueOfAll = others.length === 0 && connections.length === socket.documents;
    socket.closeFor(code !== undefined && isTrueOfAll ? code : "restarting");
  }
}

const contextOf = (connection: Connection): SocketContext => connection.context as SocketContext;

const addressOf = (connection: Connection): DocumentAddress => contextOf(connection).address;
