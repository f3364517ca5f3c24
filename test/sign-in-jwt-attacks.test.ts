import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import {
  ISSUER,
  AUDIENCE,
  inSeconds,
  SECRET,
  SECRET_ENVIRONMENT,
} from "./support/host-application.ts";
import { codeOf, useRest } from "./support/rest.ts";

// Every token costs nothing here: it is not the limit that refuses them.
const { rest, tenant } = await useRest(SECRET_ENVIRONMENT);
const [user] = await rest.sql<
  { email: string }[]
>`select email from users where id = ${tenant.userId}`;
const email = user?.email ?? "";

const encoded = (text: string): string => Buffer.from(text).toString("base64url");

/** A token with exactly this text in its header and claims, truly signed. */
function signedText(header: string, claims: string): string {
  const content = `${encoded(header)}.${encoded(claims)}`;
  return `${content}.${createHmac("sha256", SECRET).update(content).digest("base64url")}`;
}

const HEADER = '{"alg":"HS256"}';
const claims = (changed: object = {}): string =>
  JSON.stringify({ sub: "42", iss: ISSUER, aud: AUDIENCE, exp: inSeconds(60), email, ...changed });
const outcome = (token: string) => codeOf(rest.client(token).getMe());

test("what is signed by hand is good, so that the refusals below mean something", async () => {
  expect(await outcome(signedText(HEADER, claims()))).toBeNull();
  // Hints for finding a key are not followed where there is one secret.
  for (const hint of [
    { kid: "../../etc/passwd" },
    { kid: "' or 1=1 --" },
    { jku: "https://attacker.example.com/jwks.json" },
    { jwk: { kty: "oct", k: encoded("another secret of more than thirty-two bytes") } },
    { x5u: "https://attacker.example.com/x5u" },
  ]) {
    const header = JSON.stringify({ alg: "HS256", ...hint });
    expect(await outcome(signedText(header, claims()))).toBeNull();
    const content = `${encoded(header)}.${encoded(claims())}`;
    const other = createHmac("sha256", "another secret of more than thirty-two bytes");
    const forged = `${content}.${other.update(content).digest("base64url")}`;
    expect(await outcome(forged)).toBe("unauthenticated");
  }
});

test.each<[string, () => string]>([
  ["no algorithm", () => signedText("{}", claims())],
  ["the algorithm none", () => `${encoded('{"alg":"none"}')}.${encoded(claims())}.`],
  ["none, written otherwise", () => signedText('{"alg":"nOnE"}', claims())],
  ["an algorithm in a list", () => signedText('{"alg":["HS256"]}', claims())],
  ["another algorithm than it is signed with", () => signedText('{"alg":"RS256"}', claims())],
  [
    "a header that must be understood",
    () => signedText('{"alg":"HS256","crit":["x"],"x":1}', claims()),
  ],
  [
    "claims that are not encoded",
    () => signedText('{"alg":"HS256","b64":false,"crit":["b64"]}', claims()),
  ],
  ["a header that is no JSON", () => signedText("{", claims())],
  ["claims that are no JSON", () => signedText(HEADER, "{")],
  ["claims that are a list", () => signedText(HEADER, "[]")],
  ["claims that are null", () => signedText(HEADER, "null")],
  ["the end as text", () => signedText(HEADER, claims({ exp: String(inSeconds(60)) }))],
  ["an end below zero", () => signedText(HEADER, claims({ exp: -1 }))],
  ["an issuer in a list", () => signedText(HEADER, claims({ iss: [ISSUER] }))],
  [
    "an audience that only begins so",
    () => signedText(HEADER, claims({ aud: `${AUDIENCE}.example.com` })),
  ],
  ["the start as text", () => signedText(HEADER, claims({ nbf: "0" }))],
  [
    "a second address, which counts",
    () => signedText(HEADER, claims().replace(/\}$/u, ',"email":"nobody@example.com"}')),
  ],
  [
    "an address with a name around it",
    () => signedText(HEADER, claims({ email: `Kim <${email}>` })),
  ],
  ["two addresses", () => signedText(HEADER, claims({ email: `nobody@example.com,${email}` }))],
  ["a NUL behind the address", () => signedText(HEADER, claims({ email: `${email}\0` }))],
  ["a space behind the address", () => signedText(HEADER, claims({ email: `${email} ` }))],
  [
    "a full-width address",
    () => signedText(HEADER, claims({ email: email.replace("@", "\uFF20") })),
  ],
  [
    "a mark that nobody sees in the address",
    () => signedText(HEADER, claims({ email: `${email}\u200B` })),
  ],
  ["more than a token may have", () => signedText(HEADER, claims({ padding: "x".repeat(8192) }))],
  ["a fourth part", () => `${signedText(HEADER, claims())}.AAAA`],
  ["another alphabet", () => `${signedText(HEADER, claims())}==`],
])("with %s a token is refused", async (_what, token) => {
  expect(await outcome(token())).toBe("unauthenticated");
});
