import type { Allowance } from "../extensions/collaboration-socket.ts";
import type { Limit, OnLimit } from "../extensions/limits.ts";
import { createBuckets, TokenBucket, type Rate } from "../extensions/token-bucket.ts";
import { principalKey } from "../schema/principal.ts";
import type { Config } from "./config.ts";
import { Tally } from "../extensions/tally.ts";

/** What has come in on a socket before anybody has signed in: tokens, and questions for as many documents. */
export const MAX_BYTES_BEFORE_SIGN_IN = 256 * 1024;

/** Seconds' worth that may come at once: a reconnect, a paste, the edits of an afternoon. */
const FRAME_BURST_SECONDS = 2;
const ASKING_BURST_SECONDS = 20;

/** Tokens that a socket brings: for each of its documents one, twice over, and a new one now and then. */
const signInRate = (documents: number): Rate => ({ perSecond: 10, burst: 2 * documents });

const frameRate = (perSecond: number): Rate => ({
  perSecond,
  burst: perSecond * FRAME_BURST_SECONDS,
});

/** How long the updates of one user or key may keep the process busy, ms: half of the time, and five seconds at once. */
const BUSY: Rate = { perSecond: 500, burst: 5000 };

/** The buckets that all sockets of a principal share. */
export type PrincipalBuckets = { readonly frames: TokenBucket; readonly busy: TokenBucket };

/** What one socket may take. */
export type SocketShare = {
  /** Whose it is, as far as addresses tell. */
  readonly network: string;
  /** `onSignedIn`: for each principal who signs in, with the buckets of all his sockets. */
  readonly allowance: (
    onSignedIn: (buckets: PrincipalBuckets) => void,
  ) => Omit<Allowance, "busyFor">;
  /** How much it may send, alone and with the others of its address. */
  readonly buckets: readonly TokenBucket[];
  /** It is closed. */
  readonly end: () => void;
};

/** What the sockets of one address and of one principal may take. */
export type SocketLimits = {
  /** Null when its address has as many sockets as it may. */
  readonly admit: (network: string) => SocketShare | null;
};

/** Makes the limits of a node's websocket door. */
export function createSocketLimits(config: Config, onLimit: OnLimit): SocketLimits {
  const ofAddress = new Tally(config.CONNECTIONS_PER_ADDRESS);
  const notSignedIn = new Tally(config.NOT_SIGNED_IN_PER_ADDRESS);
  const ofPrincipal = new Tally(config.SOCKETS_PER_PRINCIPAL);
  const addressBucket = createBuckets(frameRate(config.FRAMES_PER_SECOND_PER_ADDRESS));
  const principalBucket = createBuckets(frameRate(config.FRAMES_PER_SECOND_PER_PRINCIPAL));
  const busyBucket = createBuckets(BUSY);
  const refuse = (limit: Limit): null => {
    onLimit(limit);
    return null;
  };
  return {
    admit(network) {
      const leave = ofAddress.take(network);
      if (leave === null) return refuse("connections_per_address");
      const known = notSignedIn.take(network);
      if (known === null) {
        leave();
        return refuse("not_signed_in_per_address");
      }
      const principals = createPrincipals(ofPrincipal);
      return {
        network,
        buckets: [new TokenBucket(frameRate(config.FRAMES_PER_SECOND)), addressBucket(network)],
        allowance: (onSignedIn) => ({
          ...settingsOf(config, onLimit),
          signedIn: (principal) => {
            if (!principals.enter(principalKey(principal))) return false;
            known();
            const key = principalKey(principal);
            onSignedIn({ frames: principalBucket(key), busy: busyBucket(key) });
            return true;
          },
        }),
        end: () => [leave, known, principals.leave].forEach((release) => release()),
      };
    },
  };
}

/** What one socket may, whoever has it. */
function settingsOf(config: Config, onLimit: OnLimit): Omit<Allowance, "signedIn" | "busyFor"> {
  const perSecond = config.ASKING_PER_SECOND;
  const signIns = new TokenBucket(signInRate(config.DOCUMENTS_PER_SOCKET));
  return {
    documents: config.DOCUMENTS_PER_SOCKET,
    socketsPerDocument: config.SOCKETS_PER_DOCUMENT,
    signInWithinMs: config.SIGN_IN_WITHIN_MS,
    asking: { perSecond, burst: perSecond * ASKING_BURST_SECONDS },
    maySignIn: () => signIns.tryTake(),
    onLimit,
  };
}

/** A socket may carry documents of several principals; it counts for each of them. */
function createPrincipals(tally: Tally) {
  const entered = new Map<string, () => void>();
  const enter = (key: string): boolean => {
    if (entered.has(key)) return true;
    const leave = tally.take(key);
    if (leave !== null) entered.set(key, leave);
    return leave !== null;
  };
  const leave = (): void => {
    for (const each of entered.values()) each();
  };
  return { enter, leave };
}
