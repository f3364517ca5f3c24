import { describe, expect, test } from "vitest";
import { ScriptoriumError } from "../schema/errors.ts";
import { parseConfig } from "../server/config.ts";
import { publicUrl } from "../server/public-url.ts";
import { SECRET, SECRET_ENVIRONMENT } from "./support/host-application.ts";

const { JWT_ISSUER, JWT_AUDIENCE } = SECRET_ENVIRONMENT;
const JWKS_URL = "https://user:password@host.example.com/jwks.json";

/** What a configuration is refused with; null when it is not. */
function refusal(environment: Record<string, string>): string | null {
  try {
    parseConfig(environment);
    return null;
  } catch (error) {
    if (error instanceof ScriptoriumError && error.code === "bad_configuration") {
      return error.message;
    }
    throw error;
  }
}

describe("tokens of the host application", () => {
  test("a secret or a key set, with issuer and audience, will do", () => {
    expect(refusal({})).toBeNull();
    expect(refusal(SECRET_ENVIRONMENT)).toBeNull();
    expect(refusal({ JWKS_URL, JWT_ISSUER, JWT_AUDIENCE, JWT_CREATE_USERS: "true" })).toBeNull();
    expect(refusal({ ...SECRET_ENVIRONMENT, JWT_SECRET: "ü".repeat(16) })).toBeNull();
  });

  test.each<[string, Record<string, string>, string]>([
    ["both", { ...SECRET_ENVIRONMENT, JWKS_URL }, "JWT_SECRET and JWKS_URL are both set"],
    ["no issuer", { JWT_SECRET: SECRET, JWT_AUDIENCE }, "JWT_ISSUER is missing"],
    ["no audience", { JWKS_URL, JWT_ISSUER }, "JWT_AUDIENCE is missing"],
    ["an empty audience", { ...SECRET_ENVIRONMENT, JWT_AUDIENCE: "" }, "JWT_AUDIENCE is missing"],
    ["a short secret", { ...SECRET_ENVIRONMENT, JWT_SECRET: "x".repeat(31) }, "at least 32 bytes"],
    ["a path", { JWKS_URL: "/password", JWT_ISSUER, JWT_AUDIENCE }, "must begin with https://"],
    ["a file", { JWKS_URL: "file:///password", JWT_ISSUER, JWT_AUDIENCE }, "must begin with"],
  ])("%s is refused, and the value not repeated", (_what, environment, sentence) => {
    const said = refusal(environment);
    expect(said).toContain(sentence);
    expect(said?.split("\n")).toHaveLength(1);
    for (const secret of [SECRET, "password", "xxx"]) expect(said).not.toContain(secret);
  });
});

test.each([
  [{ HOST: "127.0.0.1", PORT: "8787" }, "http://127.0.0.1:8787"],
  [{ HOST: "0.0.0.0", PORT: "80" }, "http://127.0.0.1:80"],
  [{ HOST: "::1" }, "http://[::1]:8787"],
  [{ PUBLIC_URL: "https://docs.example.com/", PORT: "0" }, "https://docs.example.com"],
])("the address of %o is %s", (environment, expected) => {
  expect(publicUrl(parseConfig(environment))).toBe(expected);
});

test("an address that is none is refused", () => {
  expect(refusal({ PUBLIC_URL: "docs.example.com" })).toContain('PUBLIC_URL is "docs.example.com"');
});
