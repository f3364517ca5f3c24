/** A host application: it knows its users, and signs for Scriptorium who they are. README.md says how to run it. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SignJWT } from "jose";
import { createServer as createPage } from "vite";

const { PORT = "3000", SERVER = "ws://127.0.0.1:8787/collaboration" } = process.env;
const { ORGANIZATION = "demo", DOCUMENT = "" } = process.env;
const { JWT_SECRET = "", JWT_ISSUER = "", JWT_AUDIENCE = "" } = process.env;

/** Your users, and your own way to know who is signed in. Here it is a cookie that anybody may set: /as/grace. */
const USERS = {
  ada: { sub: "1", email: "ada@example.com", name: "Ada" },
  grace: { sub: "2", email: "grace@example.com", name: "Grace" },
};
const userOf = (cookie = "") => (cookie.includes("user=grace") ? USERS.grace : USERS.ada);

/** Short: the provider asks for another when it connects, and when this one is about to end. The organization and the role are yours to decide. */
const tokenFor = (user: (typeof USERS)["ada"]): Promise<string> =>
  new SignJWT({ ...user, organization: ORGANIZATION, role: "editor" })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(JWT_ISSUER)
    .setAudience(JWT_AUDIENCE)
    .setExpirationTime("5 minutes")
    .sign(new TextEncoder().encode(JWT_SECRET));

/** Without Vite's client, which would ask for a websocket that is not there. */
const quiet = (html: string): string => html.replace(/<script[^>]+@vite\/client"><\/script>/u, "");
const page = await createPage({
  configFile: false,
  root: import.meta.dirname,
  plugins: [{ name: "quiet", transformIndexHtml: { order: "post", handler: quiet } }],
  // The page shares the editor's schema with the server: ../../../schema.
  server: { middlewareMode: true, hmr: false, ws: false, fs: { allow: ["../../.."] } },
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const as = /^\/as\/(\w+)$/u.exec(request.url ?? "")?.[1];
  if (as !== undefined) {
    response.writeHead(302, { location: "/", "set-cookie": `user=${as}; HttpOnly; Path=/` }).end();
  } else if (request.url === "/session") {
    const user = userOf(request.headers.cookie);
    const token = await tokenFor(user);
    const session = { url: SERVER, name: `document:${DOCUMENT}`, token, user: user.name };
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify(session));
  } else page.middlewares(request, response);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
});
server.listen(Number(PORT), "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`http://127.0.0.1:${port}\n`);
});
