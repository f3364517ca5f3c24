/** Dark enough for white letters (at least 4.5 : 1), far enough from each other, seen on paper and at night. */
const COLOURS = [
  "#b3372b",
  "#a34e00",
  "#7a6000",
  "#3f7120",
  "#0b7360",
  "#0b6c94",
  "#3f5bc4",
  "#7b46b8",
  "#a8327f",
  "#6b5a4c",
] as const;

const isColour = (value: unknown): value is string =>
  typeof value === "string" && /^#[0-9a-f]{6}$/iu.test(value);

/** The same person has the same colour in every browser. */
export function colourOf(id: string): string {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return COLOURS[sum % COLOURS.length] ?? COLOURS[0];
}

/** Somebody in the document, as his browser says: presence is not proof of who it is. */
export type Somebody = { readonly name: string; readonly colour: string };

const MAX_NAME = 60;

/** Reads what another browser said about its user; whatever is missing or strange is replaced. */
export function somebody(user: unknown): Somebody {
  const { name, color } = (typeof user === "object" && user !== null ? user : {}) as {
    name?: unknown;
    color?: unknown;
  };
  const known = typeof name === "string" && name.trim() !== "";
  return {
    name: known ? name.trim().slice(0, MAX_NAME) : "Somebody",
    colour: isColour(color) ? color : "#6b5a4c",
  };
}
