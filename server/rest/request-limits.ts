import type { Context } from "hono";
import { ScriptoriumError } from "../../schema/errors.ts";
import { principalKey, type Principal } from "../../schema/principal.ts";
import { networkOf, type ClientAddress } from "../client-address.ts";
import type { Config } from "../config.ts";
import type { OnLimit } from "../../extensions/limits.ts";
import { Tally } from "../../extensions/tally.ts";
import { createBuckets, type Rate } from "../../extensions/token-bucket.ts";
import { clientOf } from "./sender.ts";

/** How much REST one address and one principal may ask for. */
export type RequestLimits = {
  /** A request begins; the answer is called when it ends. @throws ScriptoriumError `too_many_requests` */
  readonly begin: (context: Context) => () => void;
  /** The same for a call on a socket. @throws ScriptoriumError `too_many_requests` */
  readonly beginFrom: (network: string) => () => void;
  /** Somebody has signed in for a request. @throws ScriptoriumError `too_many_requests` */
  readonly signedIn: (principal: Principal) => void;
};

/** Seconds of asking that may come at once: pages ask in bursts. */
const BURST_SECONDS = 10;

const rate = (perSecond: number): Rate => ({ perSecond, burst: perSecond * BURST_SECONDS });

/** Makes the limits of a node. A request that was refused is not counted. */
export function createRequestLimits(
  config: Pick<
    Config,
    | "REQUESTS_PER_SECOND_PER_ADDRESS"
    | "REQUESTS_PER_SECOND_PER_PRINCIPAL"
    | "REQUESTS_AT_ONCE_PER_ADDRESS"
  >,
  { clientAddress, onLimit }: { clientAddress: ClientAddress; onLimit: OnLimit },
): RequestLimits {
  const ofAddress = createBuckets(rate(config.REQUESTS_PER_SECOND_PER_ADDRESS));
  const ofPrincipal = createBuckets(rate(config.REQUESTS_PER_SECOND_PER_PRINCIPAL));
  const atOnce = new Tally(config.REQUESTS_AT_ONCE_PER_ADDRESS);
  const refuse = (limit: Parameters<OnLimit>[0], message: string): never => {
    onLimit(limit);
    throw new ScriptoriumError("too_many_requests", message);
  };
  const beginFrom = (network: string): (() => void) => {
    if (!ofAddress(network).tryTake()) {
      return refuse("requests_per_second", "Too many requests a second from your address");
    }
    const end = atOnce.take(network);
    return end ?? refuse("requests_at_once", "Too many requests of your address at a time");
  };
  return {
    begin: (context) => beginFrom(networkOf(clientOf(context, clientAddress) ?? "")),
    beginFrom,
    signedIn(principal) {
      if (ofPrincipal(principalKey(principal)).tryTake()) return;
      refuse("requests_per_second", "Too many requests of yours a second");
    },
  };
}
