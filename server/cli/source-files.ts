import { readdir, readFile, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { ScriptoriumError } from "../../schema/errors.ts";

/** How a file is written. */
export const IMPORT_FORMATS = ["markdown", "json"] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** A file to import; `path` is `-` for standard input. */
export type SourceFile = {
  readonly path: string;
  /** The path inside the folder that was named, without its ending: what a slug is made of. */
  readonly name: string;
  readonly format: ImportFormat;
};

const FORMAT_OF_ENDING: Readonly<Record<string, ImportFormat>> = {
  ".md": "markdown",
  ".markdown": "markdown",
  ".json": "json",
};

/** 64 MiB: more than the largest content that is accepted, less than hurts. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The files that were named, and those inside of folders that were named whose ending is known, in a stable order.
 * @throws ScriptoriumError `bad_request` when a file's format cannot be told.
 */
export async function findSourceFiles(
  paths: readonly string[],
  format: ImportFormat | undefined,
): Promise<SourceFile[]> {
  const found: SourceFile[] = [];
  for (const path of paths) {
    if (path === "-") {
      found.push({ path, name: "", format: format ?? "markdown" });
    } else if ((await stat(path)).isDirectory()) {
      found.push(...(await filesInside(path, format)));
    } else {
      found.push({ path, name: basename(path, extname(path)), format: format ?? formatOf(path) });
    }
  }
  return found;
}

async function filesInside(
  folder: string,
  format: ImportFormat | undefined,
): Promise<SourceFile[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => extname(name).toLowerCase() in FORMAT_OF_ENDING)
    .toSorted()
    .map((name) => ({
      path: join(folder, name),
      name: name.slice(0, -extname(name).length),
      format: format ?? formatOf(name),
    }));
}

function formatOf(path: string): ImportFormat {
  const format = FORMAT_OF_ENDING[extname(path).toLowerCase()];
  if (format !== undefined) return format;
  throw new ScriptoriumError(
    "bad_request",
    `${path} ends neither in .md nor in .json: pass --format`,
  );
}

/** The text of a file or of standard input. @throws ScriptoriumError `too_large`; `bad_content` when it is not UTF-8. */
export async function readSource({ path }: SourceFile): Promise<string> {
  const bytes = path === "-" ? await readStandardInput() : await readBounded(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ScriptoriumError("bad_content", `${path} is not UTF-8 text`, { cause });
  }
}

async function readBounded(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > MAX_BYTES) throw tooLarge(path);
  return readFile(path);
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw tooLarge("Standard input");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (what: string): ScriptoriumError =>
  new ScriptoriumError("too_large", `${what} has more than ${MAX_BYTES} bytes`);
