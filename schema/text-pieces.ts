/** UTF-16 units of a piece at most: with it PostgreSQL's tsvector stays below its 1 MiB, whatever the words are. */
export const MAX_PIECE_LENGTH = 200_000;

/** A piece that is not the last has as many at least. */
const MIN_PIECE_LENGTH = 100_000;

/**
 * Cuts a text into pieces for the search, between lines where it can, between words otherwise.
 *
 * Where a piece ends depends on the words there, not on how far it is from the start of the text: it is behind the line
 * of least hash of all behind which it may end. So what is typed changes the piece it stands in, and those after it stay
 * as they are, but where it brought or took just that line.
 */
export function textPieces(text: string): string[] {
  const lines = text.split("\n").flatMap(cutLine);
  const pieces: string[] = [];
  for (let from = 0, to = 0; from < lines.length; from = to) {
    to = endOfPiece(lines, from);
    pieces.push(lines.slice(from, to).join("\n"));
  }
  return pieces;
}

/** Behind which line the piece that begins at `from` ends. */
function endOfPiece(lines: readonly string[], from: number): number {
  let length = 0;
  let [end, least] = [0, Number.POSITIVE_INFINITY];
  for (let at = from; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if (length + line.length >= MAX_PIECE_LENGTH) return end > 0 ? end : at;
    length += line.length + 1;
    if (length < MIN_PIECE_LENGTH) continue;
    const hash = hashOf(line);
    if (hash < least) [end, least] = [at + 1, hash];
  }
  return lines.length;
}

/** A line that is longer than a piece, cut at spaces; where there is none, between two characters. */
function cutLine(line: string): string[] {
  if (line.length < MAX_PIECE_LENGTH) return [line];
  const parts: string[] = [];
  let rest = line;
  while (rest.length >= MAX_PIECE_LENGTH) {
    const space = rest.lastIndexOf(" ", MAX_PIECE_LENGTH - 1);
    const at = space > 0 ? space : betweenCharacters(rest, MAX_PIECE_LENGTH - 1);
    parts.push(rest.slice(0, at));
    rest = rest.slice(at);
  }
  return [...parts, rest];
}

const betweenCharacters = (text: string, at: number): number =>
  (text.codePointAt(at - 1) ?? 0) > 0xffff ? at - 1 : at;

/** FNV-1a. */
function hashOf(line: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < line.length; index += 1) {
    hash = Math.imul(hash ^ line.charCodeAt(index), 0x01000193) >>> 0;
  }
  // The low bits of lines that differ in the last character only are alike.
  return (hash ^ (hash >>> 15)) >>> 0;
}
