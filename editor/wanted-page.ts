const KEY = "scriptorium.wanted";

/** Only the address of a document is worth coming back to. */
const DOCUMENT_PATH = /^\/documents\/[0-9a-f-]{36}$/u;

/** Remembers, in this tab, the document that somebody wanted to open before he was signed in. */
export function rememberWantedPage(pathname: string): void {
  if (DOCUMENT_PATH.test(pathname)) sessionStorage.setItem(KEY, pathname);
}

/** Where to go after signing in: the document that was wanted, else the list. Asked once. */
export function wantedPage(): string {
  const wanted = sessionStorage.getItem(KEY) ?? "";
  sessionStorage.removeItem(KEY);
  return DOCUMENT_PATH.test(wanted) ? wanted : "/";
}
