/**
 * Keys for one form: what is sent again unchanged, after an answer that was lost, has the key of the first time and
 * makes nothing twice; a changed form is another request and has another key.
 */
export function idempotencyKeys(): (request: unknown) => string {
  const keys = new Map<string, string>();
  return (request) => {
    const text = JSON.stringify(request);
    const key = keys.get(text) ?? crypto.randomUUID();
    keys.set(text, key);
    return key;
  };
}
