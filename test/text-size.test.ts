import { expect, test } from "vitest";
import { MAX_PIECE_LENGTH, textPieces } from "../schema/text-pieces.ts";
import { textSize } from "../schema/text-size.ts";
import { createRandom } from "./support/seed.ts";

const random = createRandom();

const segmenter = new Intl.Segmenter("en", { granularity: "word" });
const segmented = (text: string): number =>
  [...segmenter.segment(text)].filter(({ isWordLike }) => isWordLike).length;

const pick = (characters: string): string =>
  characters[Math.floor(random() * characters.length)] ?? "";

test("[P1] words and characters of a text", () => {
  expect(textSize("")).toEqual({ words: 0, characters: 0 });
  expect(textSize("It's 3.14, foo-bar.\nTwo lines")).toEqual({ words: 6, characters: 28 });
  expect(textSize("naïve café 😀")).toEqual({ words: 2, characters: 12 });
  // Chinese has no spaces between words.
  expect(textSize("我们喜欢写作").words).toBeGreaterThan(1);
});

test("[P1] the short way counts ASCII as the segmenter does", () => {
  for (let round = 0; round < 20_000; round += 1) {
    const length = Math.floor(random() * 14);
    const text = Array.from({ length }, () =>
      random() < 0.5 ? pick("abz019'.,;:_ ") : String.fromCharCode(32 + Math.floor(random() * 95)),
    ).join("");
    expect([text, textSize(text).words]).toEqual([text, segmented(text)]);
  }
});

const line = (): string =>
  Array.from({ length: 8 }, () =>
    Array.from({ length: 1 + Math.floor(random() * 9) }, () => pick("abcdefghij")).join(""),
  ).join(" ");

test("[P1] pieces hold every word, once and in order, and stay as they are beside an edit", () => {
  const lines = Array.from({ length: 40_000 }, line);
  const pieces = textPieces(lines.join("\n"));
  expect(pieces.join("\n")).toBe(lines.join("\n"));
  expect(pieces.length).toBeGreaterThan(8);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(MAX_PIECE_LENGTH);
  for (let round = 0; round < 20; round += 1) {
    const edited = lines.with(Math.floor(random() * lines.length), `${line()} ${line()}`);
    const after = textPieces(edited.join("\n"));
    // Rarely an edit moves the end of its own piece, and with it the beginning of the next.
    expect(after.filter((piece) => !pieces.includes(piece)).length).toBeLessThanOrEqual(3);
  }
});

test("[P1] a line longer than a piece is cut at spaces, or between characters", () => {
  const words = Array.from({ length: 60_000 }, () => "word").join(" ");
  const cut = textPieces(words);
  expect(cut.flatMap((piece) => piece.trim().split(/\s+/u)).join(" ")).toBe(words);
  const faces = "😀".repeat(MAX_PIECE_LENGTH);
  const parts = textPieces(faces);
  expect(parts.join("")).toBe(faces);
  expect(parts.every((piece) => piece.length < MAX_PIECE_LENGTH && piece.isWellFormed())).toBe(
    true,
  );
});
