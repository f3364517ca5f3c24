import { z } from "zod";
import type { Route } from "./contract.ts";

const IdempotencyKey = z
  .string()
  .max(200)
  .regex(/^[!-~]+$/u, "must be visible ASCII characters")
  .optional()
  .describe("The same key and request again get the first answer; kept for a day");

const IfMatch = z
  .string()
  .regex(/^[ -~]+$/u, "must be an ETag")
  .describe("The ETag that was read, or *");

/** The headers with which a writer says that he wants this once, and what he has read. */
export const writingHeaders = ({
  idempotent,
  ifMatch,
}: Pick<Route, "idempotent" | "ifMatch">): Record<string, z.ZodType> => ({
  ...(idempotent === true && { "Idempotency-Key": IdempotencyKey }),
  ...(ifMatch !== undefined && {
    "If-Match": ifMatch === "required" ? IfMatch : IfMatch.optional(),
  }),
});
