import type { JwtSettings } from "../extensions/sign-in-jwt.ts";
import type { Config } from "./config.ts";

/** How tokens of the host application are checked; null when none are taken. */
export function jwtSettingsOf(config: Config): JwtSettings | null {
  const { JWT_SECRET, JWKS_URL, JWT_ISSUER = "", JWT_AUDIENCE = "", JWT_CREATE_USERS } = config;
  // The configuration has refused a key without issuer and audience.
  const common = { issuer: JWT_ISSUER, audience: JWT_AUDIENCE, createsUsers: JWT_CREATE_USERS };
  if (JWT_SECRET !== undefined) {
    return { ...common, keys: { kind: "secret", secret: new TextEncoder().encode(JWT_SECRET) } };
  }
  if (JWKS_URL === undefined) return null;
  return { ...common, keys: { kind: "key-set", url: new URL(JWKS_URL) } };
}
