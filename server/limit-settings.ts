import { z } from "zod";
import { isAddressRange } from "./client-address.ts";
import { isOrigin } from "./origins.ts";

const MIB = 1024 * 1024;

const limit = (fallback: number) => z.coerce.number().int().positive().default(fallback);

/** Texts with commas between them; each has to pass. */
const list = (passes: (text: string) => boolean, error: string) =>
  z
    .string()
    .optional()
    .transform((text) =>
      (text ?? "")
        .split(",")
        .map((each) => each.trim())
        .filter((each) => each !== ""),
    )
    .refine((each) => each.every(passes), error);

/** The environment variables that say who may come in, and how much of the server one of them may take. */
export const limitSettings = {
  ALLOWED_ORIGINS: list(
    isOrigin,
    "must be origins as browsers write them, https://app.example.com, with commas between them",
  ).describe(
    "Pages of these origins may open sockets and call REST, beside this server's own; with commas between them",
  ),
  REQUIRE_ORIGIN: z
    .enum(["true", "false"])
    .default("false")
    .transform((value) => value === "true")
    .describe("Sockets are for browsers alone: who sends no Origin is refused"),
  TRUSTED_PROXIES: list(
    isAddressRange,
    "must be addresses or ranges like 10.0.0.0/8, with commas between them",
  ).describe(
    "Addresses and ranges of your proxies: what they write into X-Forwarded-For is believed",
  ),
  CONNECTIONS_PER_ADDRESS: limit(10_000).describe("Connections that one address may have open"),
  NOT_SIGNED_IN_PER_ADDRESS: limit(3000).describe("… of them sockets where nobody has signed in"),
  SOCKETS_PER_PRINCIPAL: limit(5000).describe("Sockets that one user or key may have open"),
  DOCUMENTS_PER_SOCKET: limit(100).describe("Documents that one socket may have open"),
  SOCKETS_PER_DOCUMENT: limit(1000).describe("How often a document may be open at the same time"),
  SIGN_IN_WITHIN_MS: limit(15_000).describe(
    "A socket that sends no token for this long is closed (4408), ms",
  ),
  FRAMES_PER_SECOND: limit(50_000).describe(
    "A socket that sends more is read slower; each KiB of a frame counts as one more",
  ),
  FRAMES_PER_SECOND_PER_PRINCIPAL: limit(100_000).describe("… all sockets of one user or key"),
  FRAMES_PER_SECOND_PER_ADDRESS: limit(100_000).describe("… all sockets of one address"),
  ASKING_PER_SECOND: limit(1).describe(
    "How often a socket may ask for one document; 20 times as often at once, then it is closed (4429)",
  ),
  SLOW_READER_BYTES: limit(8 * MIB).describe(
    "A socket that leaves more than this unread is closed (4408)",
  ),
  REQUESTS_PER_SECOND_PER_PRINCIPAL: limit(500).describe(
    "REST requests of one user or key; ten times as many at once, then 429",
  ),
  REQUESTS_PER_SECOND_PER_ADDRESS: limit(1000).describe("… of one address"),
  REQUESTS_AT_ONCE_PER_ADDRESS: limit(500).describe("REST requests of one address at a time"),
  STREAMS_PER_PRINCIPAL: limit(20).describe("Event streams that one user or key may have open"),
  STREAMS_AT_ONCE: limit(5000).describe("… all of them together"),
};
