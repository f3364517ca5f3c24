import { attempt } from "./action.ts";
import { createClient, isSignedOut } from "./client.ts";
import { element } from "./dom.ts";
import { frame } from "./frame.ts";
import { keepToken } from "./session.ts";
import { rememberWantedPage } from "./wanted-page.ts";

/** The first page for somebody who is not signed in: how to get in. `reason`: why he is out, or nothing. */
export function showWelcomePage(body: HTMLElement, reason: string): void {
  document.title = "Scriptorium";
  const main = element(
    "main",
    { className: "narrow" },
    element("h1", {}, "Write together"),
    reason === "" ? null : element("p", { role: "alert", className: "warning" }, reason),
    element(
      "p",
      {},
      "You get in with a sign-in link. The server prints one at its first start, and this makes another:",
    ),
    element("pre", { className: "command" }, "npm run admin -- user link <your e-mail>"),
    pasteForm(),
  );
  body.replaceChildren(frame([]), main);
}

function pasteForm(): HTMLFormElement {
  const field = element("input", {
    id: "way-in",
    type: "password",
    autocomplete: "off",
    required: true,
    placeholder: "https://…/sign-in#…",
  });
  const failure = element("p", { role: "alert", className: "warning", hidden: true });
  const form = element(
    "form",
    { className: "paste" },
    element("label", { htmlFor: field.id }, "Or paste a link or a session token here"),
    element(
      "div",
      { className: "row" },
      field,
      element("button", { className: "primary" }, "Go on"),
    ),
    failure,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      failure.hidden = true;
      if (await enter(field.value.trim())) return;
      failure.textContent = "This is neither a sign-in link nor a token that works now.";
      failure.hidden = false;
    });
  });
  return form;
}

/** False when the text lets nobody in. */
async function enter(text: string): Promise<boolean> {
  const hash = text.indexOf("#");
  if (hash !== -1) {
    rememberWantedPage(location.pathname);
    location.assign(`/sign-in${text.slice(hash)}`);
    return true;
  }
  // A header cannot carry anything else, and fetch would throw.
  if (!/^[\x21-\x7e]+$/u.test(text)) return false;
  try {
    await createClient(() => text).getMe();
  } catch (error) {
    if (isSignedOut(error)) return false;
    throw error;
  }
  keepToken(text);
  // The address may be that of a document.
  location.reload();
  return true;
}
