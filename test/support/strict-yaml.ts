/** What the reader below makes of a file. */
export type Yaml = string | Yaml[] | { [key: string]: Yaml };

type Line = { readonly indent: number; readonly text: string; readonly number: number };

/**
 * Reads the little of YAML that docker-compose.yml is written in: maps by indentation, lists of scalars, lists in
 * brackets as JSON writes them, comments on lines of their own, plain and double-quoted scalars.
 * @throws Error for everything else, so that a check never passes on something misread.
 */
export function readYaml(text: string): Yaml {
  const lines = text
    .split("\n")
    .map((line, index) => ({
      indent: line.length - line.trimStart().length,
      text: line.trim(),
      number: index + 1,
    }))
    .filter((line) => line.text !== "" && !line.text.startsWith("#"));
  const { value, rest } = readBlock(lines, 0);
  if (rest.length > 0) throw complaint(rest[0]);
  return value;
}

type Read = { readonly value: Yaml; readonly rest: readonly Line[] };

const complaint = (line: Line | undefined): Error =>
  new Error(`Line ${line?.number ?? 0} is not understood: ${line?.text ?? ""}`);

function readBlock(lines: readonly Line[], indent: number): Read {
  return lines[0]?.text.startsWith("- ") === true
    ? readList(lines, indent)
    : readMap(lines, indent);
}

function readList(lines: readonly Line[], indent: number): Read {
  const value: Yaml[] = [];
  let rest = lines;
  for (let [line] = rest; line?.indent === indent; [line] = rest) {
    if (!line.text.startsWith("- ")) throw complaint(line);
    value.push(readScalar(line, line.text.slice(2)));
    rest = rest.slice(1);
  }
  if ((rest[0]?.indent ?? 0) > indent) throw complaint(rest[0]);
  return { value, rest };
}

function readMap(lines: readonly Line[], indent: number): Read {
  const value: { [key: string]: Yaml } = {};
  let rest = lines;
  for (let [line] = rest; line?.indent === indent; [line] = rest) {
    const { key = "", scalar = "" } =
      /^(?<key>[\w-]+):(?: (?<scalar>.+))?$/u.exec(line.text)?.groups ?? {};
    if (key === "" || Object.hasOwn(value, key)) throw complaint(line);
    rest = rest.slice(1);
    const inner = rest[0]?.indent ?? 0;
    if (scalar !== "") value[key] = readScalar(line, scalar);
    else if (inner <= indent) value[key] = "";
    else ({ value: value[key], rest } = readBlock(rest, inner));
  }
  if ((rest[0]?.indent ?? 0) > indent) throw complaint(rest[0]);
  return { value, rest };
}

function readScalar(line: Line, text: string): Yaml {
  if (/^["[]/u.test(text)) return JSON.parse(text) as Yaml;
  // A comment behind a value, an anchor, a flow map, a block scalar: none of it is used here.
  if (/^[&*!|>{'%@`-]|\s#|: /u.test(text)) throw complaint(line);
  return text;
}
