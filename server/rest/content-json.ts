/** An answer with content in it that PostgreSQL has written as JSON: parsing and writing it again would cost more than reading it. */
export const withContent = (fields: object, content: string | null): string =>
  `${JSON.stringify(fields).slice(0, -1)},"content":${content ?? "null"}}`;
