import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Hocuspocus, type WebSocketLike } from "@hocuspocus/server";
import { type WebSocket, WebSocketServer } from "ws";
import type * as Y from "yjs";
import { readFrame } from "../../client/frame.ts";

/** What becomes of a SyncStatus frame: sent, kept for `release()`, thrown away, or turned into a refusal. */
type AckPolicy = "pass" | "hold" | "drop" | "refuse";

type Held = { address: string; text: string; send: () => void };

type Verdict = { readOnly?: boolean; deny?: string; closeCode?: number };

/** Plain Hocuspocus 4.7 in this process, with acknowledgements in the hand of the test. */
export class HoldingServer {
  acks: AckPolicy = "pass";
  /** Asked at every sign-in; the default lets everybody write. */
  authenticate: (token: string, documentName: string) => Verdict | Promise<Verdict> = () => ({});
  /** Close codes for the next sockets, used up one by one as they open. */
  readonly closeOnOpen: number[] = [];
  /** Sockets accepted since the start. */
  accepted = 0;
  /** What the text was when the newest acknowledgement sent by `release()` came up: what a kill would leave. */
  durableText = "";
  private held: Held[] = [];
  private readonly listener: WebSocketServer;
  private readonly hocuspocus = new Hocuspocus({
    quiet: true,
    onAuthenticate: async ({ token, documentName, connectionConfig, context }) => {
      const verdict = await this.authenticate(token, documentName);
      connectionConfig.readOnly = verdict.readOnly === true;
      if (verdict.deny === undefined) return;
      const { socket } = context as { socket: WebSocket };
      const { closeCode, deny } = verdict;
      if (closeCode !== undefined) setImmediate(() => socket.close(closeCode, deny));
      // Hocuspocus answers with PermissionDenied(reason).
      throw Object.assign(new Error(deny), { reason: deny });
    },
  });

  constructor(port: number) {
    this.listener = new WebSocketServer({ port, host: "127.0.0.1" });
    this.listener.on("connection", (socket) => this.accept(socket));
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  get sockets(): number {
    return this.listener.clients.size;
  }

  heldCount(documentName?: string): number {
    return this.matching(documentName).length;
  }

  /** Sends the oldest held acknowledgements, all of them where no count is given. */
  release(options: { count?: number; documentName?: string } = {}): void {
    const chosen = new Set(this.matching(options.documentName).slice(0, options.count));
    this.held = this.held.filter((frame) => !chosen.has(frame));
    for (const frame of chosen) {
      this.durableText = frame.text;
      frame.send();
    }
  }

  text(documentName: string): string {
    const document = this.hocuspocus.documents.get(documentName);
    return document === undefined ? "" : plainText(document);
  }

  /** As a cable pulled out: no close frame. Held acknowledgements die with their sockets. */
  terminateSockets(): void {
    for (const socket of this.listener.clients) socket.terminate();
    this.held = [];
  }

  closeSockets(code: number, reason = ""): void {
    for (const socket of this.listener.clients) socket.close(code, reason);
    this.held = [];
  }

  /** A Hocuspocus CLOSE frame: the document is closed, the socket is not. */
  closeDocument(documentName: string): void {
    const document = this.hocuspocus.documents.get(documentName);
    for (const connection of document?.getConnections() ?? []) {
      connection.close({ code: 4205, reason: "test" });
    }
  }

  async close(): Promise<void> {
    this.terminateSockets();
    this.listener.close();
    await once(this.listener, "close");
  }

  private matching(documentName?: string): Held[] {
    return this.held.filter(
      ({ address }) => documentName === undefined || address.split("\0")[0] === documentName,
    );
  }

  private accept(socket: WebSocket): void {
    this.accepted += 1;
    const closeCode = this.closeOnOpen.shift();
    if (closeCode !== undefined) {
      socket.close(closeCode);
      return;
    }
    const connection = this.hocuspocus.handleConnection(
      this.hold(socket),
      new Request("http://localhost/"),
      { socket },
    );
    socket.on("message", (bytes: Buffer) => connection.handleMessage(new Uint8Array(bytes)));
    socket.on("close", (code, reason) => {
      connection.handleClose({ code, reason: reason.toString() });
    });
  }

  private hold(socket: WebSocket): WebSocketLike {
    return {
      get readyState() {
        return socket.readyState;
      },
      close: (code, reason) => socket.close(code, reason),
      send: (bytes) => this.send(socket, bytes as Uint8Array),
    };
  }

  private send(socket: WebSocket, bytes: Uint8Array): void {
    const frame = readFrame(bytes);
    if (frame?.kind !== "acknowledged" || this.acks === "pass") {
      socket.send(bytes);
    } else if (this.acks === "refuse") {
      // The value is the last byte of the frame.
      socket.send(new Uint8Array([...bytes.subarray(0, -1), 0]));
    } else if (this.acks === "hold") {
      const text = this.text(frame.address.split("\0")[0] ?? "");
      this.held.push({ address: frame.address, text, send: () => socket.send(bytes) });
    }
  }
}

/** The text the tests write. */
export const plainText = (document: Y.Doc): string => document.getText("diagram").toJSON();

/** Starts on a free port, or on the port given (to come back after an outage). */
export async function startHoldingServer(port = 0): Promise<HoldingServer> {
  const server = new HoldingServer(port);
  await once(server["listener"], "listening");
  return server;
}
