/**
 * Answers many lookups of one turn of the event loop with one statement: after a restart thousands of people open
 * their documents at once, and each asks the same questions.
 *
 * `fetchMany` gets the keys and answers a value for each, in their order. When it fails, everybody who asked is told.
 */
export function createLookup<Key, Value>(
  fetchMany: (keys: readonly Key[]) => Promise<readonly Value[]>,
): (key: Key) => Promise<Value> {
  type Asked = { key: Key; resolve: (value: Value) => void; reject: (error: unknown) => void };
  let asked: Asked[] = [];

  const answer = async (waiting: readonly Asked[]): Promise<void> => {
    try {
      const values = await fetchMany(waiting.map(({ key }) => key));
      for (const [index, { resolve }] of waiting.entries()) resolve(values[index] as Value);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  };

  const flush = (): void => {
    const waiting = asked;
    asked = [];
    answer(waiting).catch(() => {});
  };

  return (key) =>
    new Promise((resolve, reject) => {
      if (asked.length === 0) setImmediate(flush);
      asked.push({ key, resolve, reject });
    });
}
