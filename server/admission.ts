import type { Server } from "node:http";
import type { OnLimit } from "../extensions/limits.ts";
import { createAddressCheck, createClientAddress, type ClientAddress } from "./client-address.ts";
import type { Config } from "./config.ts";
import { limitConnections } from "./connection-limit.ts";
import { createOrigins, type Origins } from "./origins.ts";
import { createRequestLimits, type RequestLimits } from "./rest/request-limits.ts";
import { createSocketLimits, type SocketLimits } from "./socket-limits.ts";

/** What the doors ask: who is it, from which page does he come, how much may he have. */
export type Admission = {
  readonly clientAddress: ClientAddress;
  readonly origins: Origins;
  readonly requests: RequestLimits;
  readonly sockets: SocketLimits;
  /** Once, before the server listens. */
  readonly limitConnections: (http: Server) => void;
};

/** The rules of admission, from the configuration. */
export function createAdmission(config: Config, onLimit: OnLimit): Admission {
  const isProxy = createAddressCheck(config.TRUSTED_PROXIES);
  const clientAddress = createClientAddress(isProxy);
  const perAddress = config.CONNECTIONS_PER_ADDRESS;
  return {
    clientAddress,
    origins: createOrigins({
      listed: config.ALLOWED_ORIGINS,
      publicUrl: config.PUBLIC_URL,
      isRequired: config.REQUIRE_ORIGIN,
    }),
    requests: createRequestLimits(config, { clientAddress, onLimit }),
    sockets: createSocketLimits(config, onLimit),
    limitConnections: (http) => limitConnections(http, { perAddress, isProxy, onLimit }),
  };
}
