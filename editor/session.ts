const KEY = "scriptorium.token";

/**
 * The token of whoever is signed in here, null when nobody is. It is kept in the browser and sent as a header: no
 * cookie, so no other site can act in this person's name.
 */
export const readToken = (): string | null => localStorage.getItem(KEY);

/** Keeps a token for this browser. */
export const keepToken = (token: string): void => localStorage.setItem(KEY, token);

/** Signs this browser out. The server is told elsewhere. */
export const forgetToken = (): void => localStorage.removeItem(KEY);

/** Calls the listener when another tab of this browser signs out. */
export function onSignedOutElsewhere(listener: () => void): void {
  // A tab hears of what the others change; a key of null is that everything was cleared.
  globalThis.addEventListener("storage", ({ key }) => {
    if ((key === KEY || key === null) && readToken() === null) listener();
  });
}
