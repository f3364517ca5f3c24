/**
 * JSON text that PostgreSQL takes as jsonb: it has no NUL character, and a document may hold one (somebody pasted it).
 * It is shown as U+FFFD, the replacement character, in values and keys alike.
 */
export const toJsonb = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === "string") return withoutNul(member);
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(
      Object.entries(member).map(([key, inner]) => [withoutNul(key), inner as unknown]),
    );
  });

/** The same for a plain text column. */
export const withoutNul = (text: string): string => text.replaceAll("\0", "\uFFFD");
