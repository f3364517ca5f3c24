import { readdir, readFile } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Context, Hono } from "hono";

/** Where `npm run build` puts the page. */
const DIST = new URL("../editor/dist/", import.meta.url);

/** The addresses at which the page is shown; what it shows there it decides itself. */
const PAGE_PATHS = ["/", "/sign-in", "/documents/:documentId"];

/**
 * The page runs its own scripts and styles and talks to this server (`'self'` covers its websocket). Images come
 * from anywhere by https, since documents hold them: their hosts learn the address of who reads, and no more. Nobody
 * may frame it.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' https:",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const POLICY = { "content-security-policy": CONTENT_SECURITY_POLICY };

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The names hold a hash of the content. */
const FOR_EVER = "public, max-age=31536000, immutable";

const NOT_BUILT = `The page is not built. Run "npm run build" in the project's folder and load this again.
The API is at /api/v1, its description at /api/docs.
`;

type Bytes = Uint8Array<ArrayBuffer>;
type Site = { readonly index: Bytes; readonly assets: ReadonlyMap<string, Bytes> };

/**
 * Serves the editor's page and what belongs to it. The files are read once, when first asked for; a request only
 * picks a name out of them, so no path leads anywhere else. A page that is not built is looked for again.
 * @param dist the folder of the built page, with a slash at its end
 */
export function mountPage(app: Hono, dist: URL = DIST): void {
  let site: Promise<Site | null> | null = null;
  const current = async (): Promise<Site | null> => {
    site ??= readSite(dist);
    const found = await site;
    if (found === null) site = null;
    return found;
  };
  for (const path of PAGE_PATHS) {
    app.get(path, async (context) => respondWithPage(context, await current()));
  }
  app.get("/assets/:name", async (context) => respondWithAsset(context, await current()));
}

async function readSite(dist: URL): Promise<Site | null> {
  try {
    const assetsFolder = new URL("assets/", dist);
    const names = await readdir(fileURLToPath(assetsFolder));
    const assets = await Promise.all(
      names.map(
        async (name) =>
          [name, await read(new URL(encodeURIComponent(name), assetsFolder))] as const,
      ),
    );
    return { index: await read(new URL("index.html", dist)), assets: new Map(assets) };
  } catch (error) {
    // Not built, or being built: the folder is emptied first.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

const read = async (file: URL): Promise<Bytes> => new Uint8Array(await readFile(file));

function respondWithPage(context: Context, site: Site | null): Response {
  const headers = { ...POLICY, "cache-control": "no-cache" };
  if (site === null) return context.text(NOT_BUILT, 503, headers);
  return context.body(site.index, 200, { ...headers, "content-type": "text/html; charset=utf-8" });
}

function respondWithAsset(context: Context, site: Site | null): Response | Promise<Response> {
  const name = context.req.param("name") ?? "";
  const type = TYPES[extname(name)];
  const plain = site?.assets.get(name);
  if (type === undefined || plain === undefined) return context.notFound();
  const packed = acceptsBrotli(context) ? site?.assets.get(`${name}.br`) : undefined;
  return context.body(packed ?? plain, 200, {
    ...POLICY,
    "cache-control": FOR_EVER,
    "content-type": type,
    vary: "accept-encoding",
    ...(packed !== undefined && { "content-encoding": "br" }),
  });
}

const acceptsBrotli = (context: Context): boolean =>
  /(?:^|,)\s*br\s*(?:,|$)/u.test(context.req.header("accept-encoding") ?? "");
