import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** Small files gain nothing. */
const WORTH_COMPRESSING_BYTES = 1024;

/** Writes a `.br` beside each script and style sheet, so that the server need not compress. */
const precompressed = (): Plugin => ({
  name: "precompressed",
  // From the written files: Vite changes chunks after every plugin has seen them.
  async writeBundle({ dir }) {
    const folder = join(dir ?? "", "assets");
    const names = await readdir(folder);
    await Promise.all(
      names
        .filter((name) => /\.(?:js|css)$/u.test(name))
        .map((name) => compress(join(folder, name))),
    );
  },
});

async function compress(file: string): Promise<void> {
  const bytes = await readFile(file);
  if (bytes.length < WORTH_COMPRESSING_BYTES) return;
  await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes));
}

/** The page of `editor/`, built into `editor/dist` by `npm run build`. The server serves it, under a strict CSP. */
export default defineConfig({
  root: "editor",
  base: "/",
  logLevel: "warn",
  plugins: [precompressed()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    // Nothing as a data: address, which the CSP would refuse.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Tiptap, ProseMirror and Yjs: 630 kB, 165 kB on the wire, loaded with a document only.
    chunkSizeWarningLimit: 1000,
    // It warns that compressing takes time, which it does.
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
});
