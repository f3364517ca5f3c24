import { createServer, type Server } from "node:http";
import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTPayload } from "jose";
import { until } from "./until.ts";

/** The secret, issuer and audience of the host application of the tests. */
export const SECRET = "a secret of more than thirty-two bytes";
export const ISSUER = "https://host.example.com";
export const AUDIENCE = "scriptorium";

/** Lets a server take tokens that are signed with `SECRET`. */
export const SECRET_ENVIRONMENT = {
  JWT_SECRET: SECRET,
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
};

/** Seconds since 1970, so many from now. */
export const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

/** What a token says, right or wrong. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a good token says, but for these claims; `undefined` leaves one out. */
export const claimsOf = (claims: Claims): JWTPayload => ({
  sub: "42",
  iss: ISSUER,
  aud: AUDIENCE,
  exp: inSeconds(60),
  ...claims,
});

/** A token as the host application makes them with its secret. */
export const signJwt = (
  claims: Claims,
  { secret = SECRET, alg = "HS256" }: { secret?: string | Uint8Array; alg?: string } = {},
): Promise<string> =>
  new SignJWT(claimsOf(claims))
    .setProtectedHeader({ alg })
    .sign(typeof secret === "string" ? new TextEncoder().encode(secret) : secret);

/** A pair of keys with an id, as a key set shows its public half. */
export type SigningKey = {
  readonly kid: string;
  readonly jwk: JWK;
  sign(claims: Claims, header?: { kid?: string }): Promise<string>;
};

/** Makes a key of the host application. */
export async function createSigningKey(kid: string, alg: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  return {
    kid,
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" },
    sign: (claims, header = {}) =>
      new SignJWT(claimsOf(claims)).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  };
}

/** A key set at an address of this machine. */
export type KeySetServer = {
  readonly url: string;
  /** What it publishes; null: it answers 500. */
  keys: readonly JWK[] | null;
  /** How often it was asked. */
  asked: number;
  close(): Promise<void>;
};

/** Publishes a key set, which a test may change at any time. */
export async function startKeySet(keys: readonly JWK[]): Promise<KeySetServer> {
  const server: Server = createServer((_request, response) => {
    published.asked += 1;
    response.statusCode = published.keys === null ? 500 : 200;
    response.setHeader("content-type", "application/jwk-set+json");
    response.end(JSON.stringify({ keys: published.keys ?? [] }));
  });
  server.listen(0, "127.0.0.1");
  await until(() => server.listening);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const published: KeySetServer = {
    url: `http://127.0.0.1:${port}/jwks.json`,
    keys,
    asked: 0,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return published;
}
