import { actionButton } from "./action.ts";
import { createClient, isSignedOut } from "./client.ts";
import { element } from "./dom.ts";
import { frame } from "./frame.ts";
import { keepToken } from "./session.ts";
import { wantedPage } from "./wanted-page.ts";

/**
 * The page of a one-time link, `/sign-in#<token>`. It asks for a click: programs that preview links open them too,
 * and would use the link up.
 */
export function showSignInPage(body: HTMLElement): void {
  const link = globalThis.location.hash.slice(1);
  // Out of the address at once: not into the history, a bookmark or a screenshot.
  history.replaceState(null, "", "/sign-in");
  // Another link opened in this tab differs in the fragment alone: the browser does not load the page for it.
  globalThis.addEventListener("hashchange", () => showSignInPage(body), { once: true });
  document.title = "Sign in – Scriptorium";
  const main = element("main", { className: "narrow" });
  body.replaceChildren(frame([]), main);
  if (link === "") main.replaceChildren(...noLink());
  else main.replaceChildren(...offer(main, link));
}

function offer(main: HTMLElement, link: string): HTMLElement[] {
  const button = actionButton({ text: "Sign in", className: "primary" }, async () => {
    try {
      const { body } = await createClient(() => null).createSession({ body: { link } });
      keepToken(body.token);
    } catch (error) {
      if (!isSignedOut(error)) throw error;
      main.replaceChildren(...deadLink("This sign-in link was used already, or it is too old."));
      return;
    }
    location.replace(wantedPage());
  });
  return [
    element("h1", {}, "Welcome"),
    element("p", {}, "This link signs you in on this browser. It works once."),
    element("p", { className: "actions" }, button),
  ];
}

/** The page was loaded again: the token left the address at the first look, and is as good as it was. */
const noLink = (): HTMLElement[] => [
  element("h1", {}, "Sign in"),
  element("p", { role: "alert" }, "Open the link from your message once more."),
  toFirstPage(),
];

const deadLink = (reason: string): HTMLElement[] => [
  element("h1", {}, "This link no longer works"),
  element("p", { role: "alert" }, `${reason} Ask whoever runs this server for a new one:`),
  element("pre", { className: "command" }, "npm run admin -- user link <your e-mail>"),
  toFirstPage(),
];

const toFirstPage = (): HTMLElement =>
  element("p", {}, element("a", { href: "/" }, "To the first page"));
