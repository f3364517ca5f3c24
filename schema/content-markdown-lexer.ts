import { getDefaults, Lexer, type Token, Tokenizer, type Tokens } from "marked";

import { ScriptoriumError } from "./errors.ts";

/*
 * marked searches a paragraph again from every delimiter, so 60 kB of unclosed `*a *a` took 20 s. The cost
 * of each run of text is estimated first and the sum is bounded: at worst about 4 s on one core, and
 * more than two million characters of ordinary, densely formatted text come to. Measured with marked 17.
 */
const BUDGET = 4_000_000_000;
const EMPHASIS_WEIGHT = 20;
const LONG_WORD = 1000;
/** A table with more cells is read as text. */
export const MAX_TABLE_CELLS = 100_000;

/** In a list marked makes four spaces of every tab, also in code; only those that a line begins with say where it belongs. */
const INDENTING_TAB = /(?<=^\t*)\t/gu;

class BoundedTokenizer extends Tokenizer {
  /** A row may be one character and is filled up to the header's width: bound the product. */
  override table(src: string): Tokens.Table | undefined {
    const end = src.indexOf("\n\n");
    const lines = (end === -1 ? src : src.slice(0, end)).split("\n");
    const columns = (lines[0] ?? "").split("|").length;
    return columns * lines.length > MAX_TABLE_CELLS ? undefined : super.table(src);
  }
}

function estimateCost(src: string): number {
  const emphasis = src.match(/[*_~]/gu)?.length ?? 0;
  const others = src.match(/[[\]<`]/gu)?.length ?? 0;
  // Looking for e-mail addresses is quadratic in the word before the @.
  const addresses = src
    .split(/\s/u)
    .filter((word) => word.length > LONG_WORD && word.includes("@"))
    .reduce((sum, word) => sum + word.length ** 2, 0);
  return src.length * (1 + emphasis * EMPHASIS_WEIGHT + others) + addresses;
}

class BoundedLexer extends Lexer {
  #left = BUDGET;

  override inlineTokens(src: string, tokens?: Token[]): Token[] {
    this.#left -= estimateCost(src);
    if (this.#left < 0) {
      throw new ScriptoriumError("bad_content", "The Markdown has too much unresolved formatting");
    }
    return super.inlineTokens(src, tokens);
  }
}

/**
 * The tokens of a Markdown text: CommonMark with GitHub's extensions, untouched by what others register
 * with marked.
 * @throws ScriptoriumError `bad_content` when reading it would take unreasonably long; RangeError when it nests deeper
 * than the stack.
 */
export function lexMarkdown(markdown: string): Token[] {
  const tokenizer = new BoundedTokenizer();
  const lexer = new BoundedLexer({ ...getDefaults(), tokenizer });
  const { rules } = tokenizer;
  tokenizer.rules = { ...rules, other: { ...rules.other, tabCharGlobal: INDENTING_TAB } };
  return lexer.lex(markdown);
}
