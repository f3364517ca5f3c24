import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Hono } from "hono";

/** Where people read what the API offers. */
const DOCS_PATH = "/api/docs";

/** Nothing from elsewhere, no inline script or style, and requests to this server alone. Swagger's icons are data urls. */
const POLICY = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Scriptorium API</title>
<link rel="stylesheet" href="${DOCS_PATH}/swagger-ui.css">
<link rel="stylesheet" href="${DOCS_PATH}/index.css">
<link rel="icon" type="image/png" href="${DOCS_PATH}/favicon-32x32.png">
</head>
<body>
<div id="api"><noscript>This page needs JavaScript; the description itself is <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</noscript></div>
<script src="${DOCS_PATH}/swagger-ui-bundle.js"></script>
<script src="${DOCS_PATH}/initialize.js"></script>
</body>
</html>
`;

/** A token that is typed in is gone with the page. No validator: that would be a request to somebody else. */
const INITIALIZE = `SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  displayOperationId: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
});
`;

type Asset = { readonly type: string; readonly read: () => Buffer };

const packaged = (url: string): Buffer => readFileSync(fileURLToPath(url));

/** Everything that the page consists of. Swagger UI comes from its package, read when somebody first asks. */
const ASSETS: Readonly<Record<string, Asset>> = {
  "": { type: "text/html; charset=utf-8", read: () => Buffer.from(PAGE) },
  "/initialize.js": {
    type: "text/javascript; charset=utf-8",
    read: () => Buffer.from(INITIALIZE),
  },
  "/swagger-ui-bundle.js": {
    type: "text/javascript; charset=utf-8",
    read: () => packaged(import.meta.resolve("swagger-ui-dist/swagger-ui-bundle.js")),
  },
  "/swagger-ui.css": {
    type: "text/css; charset=utf-8",
    read: () => packaged(import.meta.resolve("swagger-ui-dist/swagger-ui.css")),
  },
  "/index.css": {
    type: "text/css; charset=utf-8",
    read: () => packaged(import.meta.resolve("swagger-ui-dist/index.css")),
  },
  "/favicon-32x32.png": {
    type: "image/png",
    read: () => packaged(import.meta.resolve("swagger-ui-dist/favicon-32x32.png")),
  },
};

/** The readable page of the API. It shows `/api/v1/openapi.json` and calls routes with a token that is typed in. */
export function createDocs(): Hono {
  const app = new Hono();
  for (const [path, { type, read }] of Object.entries(ASSETS)) {
    let kept: { body: Buffer; etag: string } | null = null;
    app.get(`${DOCS_PATH}${path}`, (context) => {
      kept ??= withEtag(read());
      const headers = { ...POLICY, etag: kept.etag, "cache-control": "no-cache" };
      if (context.req.header("if-none-match") === kept.etag) {
        return context.body(null, 304, headers);
      }
      return context.body(new Uint8Array(kept.body), 200, { ...headers, "content-type": type });
    });
  }
  app.get(`${DOCS_PATH}/`, (context) => context.redirect(DOCS_PATH, 308));
  return app;
}

function withEtag(body: Buffer): { body: Buffer; etag: string } {
  const hash = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  return { body, etag: `"${hash}"` };
}
