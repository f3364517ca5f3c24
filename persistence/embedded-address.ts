import {
  mkdtemp,
  lchown,
  lstat,
  mkdir,
  readFile,
  rename,
  rmdir,
  writeFile,
} from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorCode } from "./database.ts";
import { absent } from "./embedded-location.ts";
import { blockedAt, type RunAs } from "./embedded-user.ts";

/** How the server reaches its own PostgreSQL. TCP only where the driver knows no unix sockets (Windows). */
export type Transport = "socket" | "tcp";

/** `host` is a folder for a socket, as libpq and postgres.js have it. */
export type Address = { readonly host: string; readonly port: number };

/** In the cluster; holds the password of a cluster that listens on TCP. Mode 0600. */
export const PASSWORD_FILE = "scriptorium.password";

/** In the cluster; the address of the last start. The next one takes the same, so that open pools find it again. */
const ADDRESS_FILE = "scriptorium.address";

/** Names the socket's file (`.s.PGSQL.5432`); nothing listens on a port of this number. */
const SOCKET_PORT = 5432;

/** macOS has 104 bytes for the path of a socket and Linux 108, both with a closing zero. */
const SOCKET_PATH_BYTES = 103;

/**
 * Where a PostgreSQL about to start shall listen.
 * Invariant: the folder of a socket can be entered by the cluster's user (and root) alone; it is the only guard.
 */
export async function chooseAddress(options: {
  cluster: string;
  runAs: RunAs;
  transport: Transport;
}): Promise<Address> {
  const { cluster, runAs, transport } = options;
  if (transport === "socket" && fitsSocket(cluster)) return { host: cluster, port: SOCKET_PORT };
  const file = join(cluster, ADDRESS_FILE);
  const last = parseAddress(await readFile(file, "utf8").catch(absent));
  const address =
    transport === "socket"
      ? { host: await socketFolder(last?.host, runAs), port: SOCKET_PORT }
      : { host: "127.0.0.1", port: await freePort(last?.port) };
  await remember(file, address, runAs);
  return address;
}

/** Renamed into place, so that root never writes through a link that the owner of the folder may have put there. */
async function remember(file: string, address: Address, runAs: RunAs): Promise<void> {
  const beside = `${file}.${randomBytes(6).toString("hex")}`;
  await writeFile(beside, JSON.stringify(address), { mode: 0o600, flag: "wx" });
  // After a crash PostgreSQL opens every file of its folder, and complains of those it may not.
  if (runAs !== null) await lchown(beside, runAs.uid, runAs.gid);
  await rename(beside, file);
}

/** Removes the folder of a socket that lay outside the cluster, once nobody listens there. */
export async function releaseAddress(address: Address, cluster: string): Promise<void> {
  if (!address.host.startsWith("/") || address.host === cluster) return;
  // Not empty, or gone: then it is not ours to tidy up.
  await rmdir(address.host).catch(() => {});
}

/** postgres.js splits a host at commas, and PostgreSQL a list of folders; a plain short path is safe with both. */
function fitsSocket(folder: string): boolean {
  const bytes = Buffer.byteLength(join(folder, `.s.PGSQL.${SOCKET_PORT}`));
  return bytes <= SOCKET_PATH_BYTES && /^[\w./-]+$/u.test(folder);
}

function parseAddress(text: string | null): Address | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return null;
    if (!("host" in value) || !("port" in value)) return null;
    return { host: String(value.host), port: Number(value.port) };
  } catch {
    // Half-written by a kill: as good as no address, the next start chooses anew.
    return null;
  }
}

async function socketFolder(last: string | undefined, runAs: RunAs): Promise<string> {
  if (last !== undefined && (await takeFolder(last, runAs))) return last;
  const temporary = await temporaryFolder(runAs);
  const folder = await mkdtemp(join(temporary, "scriptorium-"));
  if (runAs !== null) await lchown(folder, runAs.uid, runAs.gid);
  return folder;
}

/** True when the folder is, or could be made, one that only this user can enter; a link or a stranger's folder is not. */
async function takeFolder(folder: string, runAs: RunAs): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
    if (runAs !== null) await lchown(folder, runAs.uid, runAs.gid);
    return true;
  } catch (error) {
    if (errorCode(error) !== "EEXIST") return false;
  }
  const facts = await lstat(folder);
  const owner = runAs?.uid ?? process.getuid?.();
  return facts.isDirectory() && facts.uid === owner && (facts.mode & 0o077) === 0;
}

/** TMPDIR may be long, and private to root. */
async function temporaryFolder(runAs: RunAs): Promise<string> {
  const configured = tmpdir();
  if (!fitsSocket(join(configured, "scriptorium-123456"))) return "/tmp";
  if (runAs !== null && (await blockedAt(configured, runAs)) !== null) return "/tmp";
  return configured;
}

/** The port of the last start if it is still free, else any. Somebody may take it before we do; then the start is tried again. */
async function freePort(last: number | undefined): Promise<number> {
  if (last !== undefined && (await tryPort(last)) !== null) return last;
  const any = await tryPort(0);
  return any ?? SOCKET_PORT;
}

async function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(null));
    probe.listen(port, "127.0.0.1", () => {
      const taken = (probe.address() as AddressInfo).port;
      probe.close(() => resolve(taken));
    });
  });
}
