import type { Connection } from "@hocuspocus/server";
import type { Logger } from "pino";
import { ScriptoriumError, type ErrorCode } from "../schema/errors.ts";
import type { Principal } from "../schema/principal.ts";
import type { SocketContext } from "./collaboration-socket.ts";
import { groundsFor, type Grounds } from "./grounds.ts";
import { cut, type LiveRights } from "./live-rights.ts";
import { codeOf } from "./refusal.ts";
import type { SignIn } from "./sign-in.ts";

type Renewing = {
  readonly signIn: SignIn;
  readonly rights: LiveRights;
  readonly logger: Logger;
};

/** Connections whose newer token is being looked at. */
const underWay = new WeakSet<Connection>();

/** Not the token's fault: the one before it goes on to count. */
const UNDECIDED: readonly ErrorCode[] = ["storage_unavailable", "internal", "too_many_requests"];

/**
 * onTokenSync: an open document goes on with a newer token of the same person, be it of another kind. Never rejects.
 * One that is not valid, or somebody else's, closes the socket, and so does one that allows less or more than the one
 * before. A second token that comes while the first is looked at is passed over.
 */
export async function renew(
  { signIn, rights, logger }: Renewing,
  connection: Connection,
  token: string,
): Promise<void> {
  const before = rights.open.get(connection);
  if (before === undefined || underWay.has(connection)) return;
  underWay.add(connection);
  const { socket, address } = connection.context as SocketContext;
  const { connectionId } = socket;
  const { moment } = rights;
  try {
    const grounds = await groundsFor(signIn, { token, network: socket.network }, address);
    refuseAnother(before, grounds);
    const isSame =
      grounds.admission === before.admission && !rights.isOutdated(moment, grounds, address);
    if (isSame) rights.admit(connection, grounds);
    else cut(new Map([[connection, "restarting"]]));
    logger.debug({ connectionId, documentName: address.name, isSame }, "token renewed");
  } catch (error) {
    const code = codeOf(error);
    const err = code === "internal" ? error : undefined;
    logger.info({ connectionId, documentName: address.name, code, err }, "token not renewed");
    if (!UNDECIDED.includes(code)) cut(new Map([[connection, code]]));
  } finally {
    underWay.delete(connection);
  }
}

const agentOf = (principal: Principal): string | null =>
  principal.kind === "key" ? principal.agentId : null;

/** What he writes is logged under the name that he came with. */
function refuseAnother({ principal: before }: Grounds, { principal: after }: Grounds): void {
  if (before.userId === after.userId && agentOf(before) === agentOf(after)) return;
  throw new ScriptoriumError("forbidden", "The newer token is somebody else's");
}
