import { once } from "node:events";
import { createServer, connect, type Server, type Socket } from "node:net";
import type { DatabaseLocation } from "../../persistence/database.ts";
import { createMessageCutter, createStatementReader, MESSAGE } from "./postgres-frames.ts";

/** Texts by which statements are known. Nothing else of this program contains them. */
export const APPEND = "insert into yjs_updates";
export const LOAD = "array_agg(octet_length(u.update_data)";

/**
 * Where a statement is stopped: before PostgreSQL gets any of it, after half of its bytes, or when PostgreSQL has
 * done it (a statement outside a transaction: has committed it) and its reply is on the way back.
 */
export type StopPoint = "before" | "half-way" | "reply";

/** Stands between the server and PostgreSQL, and does to their connections what networks do. */
export type PostgresProxy = {
  /** Leads here; for `DATABASE_URL`. */
  readonly url: string;
  /** Statements with this text stop at `point` from now on, each with its connection; everything else passes. */
  stop(point: StopPoint, text: string): void;
  /** How many statements are stopped now. At `reply` one counts when all of its reply is here. */
  readonly stopped: number;
  /** Nothing passes any more, on any connection; new ones are accepted and get no answer. */
  hang(): void;
  /** Cuts every connection and throws away what is held. New ones pass. */
  cut(): void;
  /** Cuts every connection; new ones are refused until `release()`. */
  refuse(): Promise<void>;
  /** Everything passes again, what is held first. */
  release(): Promise<void>;
  close(): Promise<void>;
};

type Rule = { kind: "pass" } | { kind: "hang" } | { kind: "stop"; point: StopPoint; text: string };

/** One direction of a connection: passes messages on, or keeps them. */
class Valve {
  readonly #to: Socket;
  #kept: Buffer[] = [];
  shut = false;

  constructor(to: Socket) {
    this.#to = to;
  }

  write(bytes: Buffer): void {
    if (this.shut) this.#kept.push(bytes);
    else if (this.#to.writable) this.#to.write(bytes);
  }

  open(): void {
    this.shut = false;
    for (const bytes of this.#kept.splice(0)) this.write(bytes);
  }
}

class Link {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #requests: Valve;
  readonly #replies: Valve;
  isStopped = false;
  #awaitsReply = false;

  constructor(client: Socket, upstream: Socket, rule: () => Rule) {
    this.#client = client;
    this.#upstream = upstream;
    this.#requests = new Valve(upstream);
    this.#replies = new Valve(client);
    if (rule().kind === "hang") this.hang();
    const cutRequests = createMessageCutter({ startsUntyped: true });
    const cutReplies = createMessageCutter({ startsUntyped: false });
    const statementOf = createStatementReader();
    client.on("data", (chunk: Buffer) => {
      for (const message of cutRequests(chunk)) {
        this.#request(message, statementOf(message), rule());
      }
    });
    upstream.on("data", (chunk: Buffer) => {
      for (const message of cutReplies(chunk)) this.#reply(message);
    });
    // Each side learns at once that the other is gone.
    for (const socket of [client, upstream]) {
      socket.on("error", () => this.cut());
      socket.on("close", () => this.cut());
    }
  }

  #request(message: Buffer, statement: string | null, rule: Rule): void {
    if (rule.kind !== "stop" || statement?.includes(rule.text) !== true) {
      this.#requests.write(message);
      return;
    }
    if (rule.point === "reply") {
      this.#awaitsReply = true;
      this.#replies.shut = true;
      this.#requests.write(message);
      return;
    }
    const passes = rule.point === "before" ? 0 : message.length >> 1;
    this.#requests.write(message.subarray(0, passes));
    this.#requests.shut = true;
    this.#requests.write(message.subarray(passes));
    this.isStopped = true;
  }

  #reply(message: Buffer): void {
    this.#replies.write(message);
    if (this.#awaitsReply && message[0] === MESSAGE.readyForQuery) this.isStopped = true;
  }

  hang(): void {
    this.#requests.shut = true;
    this.#replies.shut = true;
  }

  release(): void {
    this.isStopped = false;
    this.#awaitsReply = false;
    this.#requests.open();
    this.#replies.open();
  }

  cut(): void {
    this.isStopped = false;
    this.#client.destroy();
    this.#upstream.destroy();
  }
}

/** Opens a proxy to a PostgreSQL; it listens on a port of its own at 127.0.0.1. */
export async function startPostgresProxy(location: DatabaseLocation): Promise<PostgresProxy> {
  const target = toTarget(location);
  const links = new Set<Link>();
  let rule: Rule = { kind: "pass" };
  const accept = (client: Socket): void => {
    const link = new Link(client, connect(target.address), () => rule);
    links.add(link);
    client.once("close", () => links.delete(link));
  };
  let server: Server | null = null;
  const listen = async (port: number): Promise<number> => {
    server = createServer({ noDelay: true }, accept);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return address.port;
  };
  const deafen = async (): Promise<void> => {
    const closed = server === null ? null : once(server, "close");
    server?.close();
    server = null;
    for (const link of links) link.cut();
    await closed;
  };
  const port = await listen(0);
  return {
    url: `postgres://${target.credentials}@127.0.0.1:${port}/${target.database}`,
    stop(point, text) {
      rule = { kind: "stop", point, text };
    },
    get stopped() {
      return [...links].filter((link) => link.isStopped).length;
    },
    hang() {
      rule = { kind: "hang" };
      for (const link of links) link.hang();
    },
    cut() {
      rule = { kind: "pass" };
      for (const link of links) link.cut();
    },
    refuse: deafen,
    async release() {
      rule = { kind: "pass" };
      for (const link of links) link.release();
      if (server === null) await listen(port);
    },
    close: deafen,
  };
}

type Target = {
  readonly address: { path: string } | { host: string; port: number };
  readonly credentials: string;
  readonly database: string;
};

function toTarget(location: DatabaseLocation): Target {
  if (typeof location === "string") {
    const { hostname, port, username, password, pathname } = new URL(location);
    return {
      address: { host: hostname, port: port === "" ? 5432 : Number(port) },
      credentials: password === "" ? username : `${username}:${password}`,
      database: pathname.slice(1),
    };
  }
  const { host, port, username, password, database } = location;
  if (typeof host !== "string" || typeof port !== "number") throw new Error("one host, one port");
  const secret = typeof password === "string" ? `:${encodeURIComponent(password)}` : "";
  return {
    address: host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port },
    credentials: `${username ?? ""}${secret}`,
    database: database ?? "",
  };
}
