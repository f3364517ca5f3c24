import { TokenBucket, type Rate } from "./token-bucket.ts";

/** Who wants to talk on a socket and has not said about which document yet. */
const NOBODY_YET = "";

/** Addresses that were refused and are still written to: more is no mistake. */
const MAX_REFUSED = 1000;

/** Addresses that are written to before their token has come: ten times the documents that a socket may have. */
const MAX_SILENT = 1000;

/**
 * The addresses of a socket on which no document is open: those that wait for their token, those that are being
 * opened, those that were refused. Where a token is waited for there is a deadline.
 */
export class SocketAddresses {
  readonly #withinMs: number;
  readonly #onLate: () => void;
  /** Written to before their token came. */
  readonly #silent = new Set<string>();
  /** With the last awareness frame that came too early. */
  readonly #opening = new Map<string, Uint8Array | null>();
  /** With the frame that told. */
  readonly #refused = new Map<string, Uint8Array>();
  readonly #asked = new Map<string, TokenBucket>();
  #deadline: NodeJS.Timeout | null = null;

  constructor(options: { withinMs: number; onLate: () => void }) {
    this.#withinMs = options.withinMs;
    this.#onLate = options.onLate;
    this.awaitToken(NOBODY_YET);
  }

  get openingCount(): number {
    return this.#opening.size;
  }

  isOpening(address: string): boolean {
    return this.#opening.has(address);
  }

  /** What was told to an address that was refused. */
  refusalOf(address: string): Uint8Array | undefined {
    return this.#refused.get(address);
  }

  /**
   * From now on a token has to come within the time; for nobody in particular where nothing is open any more. False
   * when too many are waited for.
   */
  awaitToken(address = NOBODY_YET): boolean {
    this.#silent.add(address);
    this.#deadline ??= setTimeout(this.#onLate, this.#withinMs);
    return this.#silent.size <= MAX_SILENT;
  }

  /** A token came. */
  opening(address: string): void {
    this.#silent.delete(NOBODY_YET);
    this.#silent.delete(address);
    this.#refused.delete(address);
    this.#opening.set(address, null);
    if (this.#silent.size === 0) this.#stopWaiting();
  }

  /** Keeps an awareness frame until the document is open: the last one says all that those before it did. */
  keepAwareness(address: string, frame: Uint8Array): void {
    if (this.#opening.has(address)) this.#opening.set(address, frame);
  }

  /** The document is open, or the client has given it up; the awareness frame that waited. */
  opened(address: string): Uint8Array | null {
    const frame = this.#opening.get(address) ?? null;
    this.#opening.delete(address);
    return frame;
  }

  /** The document was refused, with this frame. False when too many were. */
  refuse(address: string, frame: Uint8Array): boolean {
    this.#opening.delete(address);
    this.#refused.set(address, frame);
    return this.#refused.size <= MAX_REFUSED;
  }

  forget(address: string): void {
    this.#refused.delete(address);
  }

  /** Whether the document at this address may be asked for once more. */
  mayAsk(address: string, rate: Rate): boolean {
    const bucket = this.#asked.get(address) ?? new TokenBucket(rate);
    this.#asked.set(address, bucket);
    return bucket.tryTake();
  }

  close(): void {
    this.#stopWaiting();
  }

  #stopWaiting(): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#deadline = null;
  }
}
