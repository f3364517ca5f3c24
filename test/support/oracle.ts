/** One edit of a typist: a token it wrote, or one of its own that it deleted again. */
export type Edit = { readonly kind: "insert" | "delete"; readonly token: string };

/** `<12.7>`: the typist and the number of its edit. Written in one piece, so it is there whole or not at all. */
export const tokenOf = (typist: number, edit: number): string => `<${typist}.${edit}>`;

const TOKEN = /<\d+\.\d+>/gu;

type Record = {
  readonly inserted: Set<string>;
  readonly acknowledged: Set<string>;
  readonly deleted: Set<string>;
  readonly deletionAcknowledged: Set<string>;
};

/**
 * What clients wrote down: what they sent, and what they were told is saved. It survives every server and every
 * client, and is all that a text from the database is measured by.
 */
export class Oracle {
  readonly #records = new Map<string, Record>();
  /** How many edits were acknowledged so far. */
  acknowledged = 0;

  get documentIds(): string[] {
    return [...this.#records.keys()];
  }

  sent(documentId: string, { kind, token }: Edit): void {
    const record = this.#of(documentId);
    (kind === "insert" ? record.inserted : record.deleted).add(token);
  }

  saved(documentId: string, { kind, token }: Edit): void {
    const record = this.#of(documentId);
    (kind === "insert" ? record.acknowledged : record.deletionAcknowledged).add(token);
    this.acknowledged += 1;
  }

  /** What is wrong with a text, in words; nothing when every acknowledged edit is in it, whole and once. */
  faultsOf(documentId: string, text: string): string[] {
    const record = this.#of(documentId);
    const tokens = text.match(TOKEN) ?? [];
    const present = new Set(tokens);
    const missing = [...record.acknowledged].filter(
      // A deletion that was sent and not acknowledged may have been committed or not.
      (token) => !present.has(token) && !record.deleted.has(token),
    );
    const undeleted = [...record.deletionAcknowledged].filter((token) => present.has(token));
    const unknown = [...present].filter((token) => !record.inserted.has(token));
    const torn = text.replaceAll(TOKEN, "");
    return [
      ...missing.map((token) => `${documentId}: acknowledged ${token} is missing`),
      ...undeleted.map((token) => `${documentId}: acknowledged deletion of ${token} is missing`),
      ...unknown.map((token) => `${documentId}: nobody wrote ${token}`),
      ...(tokens.length === present.size ? [] : [`${documentId}: a token is there twice`]),
      ...(torn === "" ? [] : [`${documentId}: not a whole token: ${torn.slice(0, 80)}`]),
    ];
  }

  #of(documentId: string): Record {
    const known = this.#records.get(documentId);
    if (known !== undefined) return known;
    const record = {
      inserted: new Set<string>(),
      acknowledged: new Set<string>(),
      deleted: new Set<string>(),
      deletionAcknowledged: new Set<string>(),
    };
    this.#records.set(documentId, record);
    return record;
  }
}
