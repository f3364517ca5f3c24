import { element } from "./dom.ts";
import { frame } from "./frame.ts";

/** A page that says one thing. */
export type Message = {
  readonly title: string;
  readonly text: string;
  /** Offers to load the page again. */
  readonly retry?: boolean;
};

/** Shows one thing and the way back. */
export function showMessage(body: HTMLElement, { title, text, retry = false }: Message): void {
  document.title = `${title} – Scriptorium`;
  const again = element(
    "button",
    { type: "button", onclick: () => location.reload() },
    "Try again",
  );
  const back = element("a", { className: "button", href: "/" }, "To your documents");
  const main = element(
    "main",
    { className: "narrow" },
    element("h1", {}, title),
    element("p", {}, text),
    element("p", { className: "actions" }, retry ? again : null, back),
  );
  body.replaceChildren(frame([]), main);
}
