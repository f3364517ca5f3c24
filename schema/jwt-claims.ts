import { z } from "zod";
import { Name } from "./api/common.ts";
import { ROLES } from "./roles.ts";

/** Longer than any address (RFC 5321: 64 + 1 + 255). */
const MAX_EMAIL_LENGTH = 320;

/** 9999-12-31, seconds: JavaScript can still write it as a date. */
const LATEST = 253_402_300_799;

/**
 * Only A to Z: `toLowerCase` would also make the Kelvin sign a k, and whoever can register such an address with the
 * host application would sign in here as somebody else.
 */
const lowerAscii = (text: string): string =>
  text.replaceAll(/[A-Z]/gu, (letter) => letter.toLowerCase());

/**
 * What a JWT of the host application says, and what is made of it here. All other claims are left unread.
 *
 * | claim | needed | what it does |
 * | --- | --- | --- |
 * | `sub` | yes | who it is there; nothing is looked up by it |
 * | `email` | yes | who it is here: the user with this address, in whatever case. Refused with `email_verified: false` |
 * | `name` | | what a user made on first sight is called; else the part before the @ |
 * | `organization` | | the slug of the one organization that the token reaches; without it, wherever the person belongs |
 * | `role` | | viewer, reviewer, editor or owner, in all projects of `organization`, beside what the person has anyway; only together with it |
 * | `exp` | yes | from then on it is worthless, give or take five seconds |
 *
 * `iss` and `aud` are compared with the configuration, `nbf` is heeded.
 */
export const JwtClaims = z
  .object({
    sub: z.string().min(1).max(1000),
    email: z
      .string()
      .max(MAX_EMAIL_LENGTH)
      // oxlint-disable-next-line no-control-regex -- they are what is refused
      .regex(/^[^\s@\u0000-\u001f\u007f]+@[^\s@\u0000-\u001f\u007f]+$/u, "must be an address")
      .refine((text) => text.isWellFormed(), "must be well-formed Unicode")
      .transform(lowerAscii),
    email_verified: z
      .unknown()
      .refine((verified) => verified !== false && verified !== "false", "must not be false")
      .optional(),
    // A name that cannot be shown is no reason to keep somebody out.
    name: Name.optional().catch(undefined),
    organization: z
      .string()
      .regex(/^[\w.-]{1,100}$/u, "must be a slug")
      .optional(),
    role: z.enum(ROLES).optional(),
    exp: z.number().max(LATEST),
  })
  .refine(({ organization, role }) => role === undefined || organization !== undefined, {
    path: ["role"],
    message: "is for the projects of an organization: the claim organization is missing",
  });

export type JwtClaims = z.output<typeof JwtClaims>;
