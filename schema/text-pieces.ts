/** UTF-16 units of a piece at most: with it PostgreSQL's tsvector stays below its 1 MiB, whatever the words are. */
export const MAX_PIECE_LENGTH = 200_000;

/** From here on a piece ends at the next line that says so. */
const MIN_PIECE_LENGTH = 100_000;

/** One line in so many ends a piece. */
const LINES_PER_END = 8;

/**
 * Cuts a text into pieces for the search, between lines where it can, between words otherwise.
 *
 * Where a piece ends depends on the words there, not on how far it is from the start of the text: what is typed
 * changes the piece it stands in, and those after it stay as they are.
 */
export function textPieces(text: string): string[] {
  const pieces: string[] = [];
  let piece: string[] = [];
  let length = 0;
  const end = (): void => {
    if (piece.length > 0) pieces.push(piece.join("\n"));
    piece = [];
    length = 0;
  };
  for (const line of text.split("\n").flatMap(cutLine)) {
    if (length + line.length >= MAX_PIECE_LENGTH) end();
    piece.push(line);
    length += line.length + 1;
    if (length >= MIN_PIECE_LENGTH && hashOf(line) % LINES_PER_END === 0) end();
  }
  end();
  return pieces;
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
