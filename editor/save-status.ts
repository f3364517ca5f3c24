import type { Collaboration } from "../client/collaboration.ts";
import { element } from "./dom.ts";
import { saveWords } from "./save-words.ts";

/** "Saved" is said when it has been true this long, ms: it would flicker between two keystrokes. */
const CALM_AFTER_MS = 300;

/** The saved status in words. It never says "Saved" while something is not. */
export type SaveStatusView = {
  readonly view: HTMLElement;
  /** Looks again; for when it was learnt whether one may write here. */
  refresh(): void;
};

/** Follows a collaboration for as long as the page lives. */
export function createSaveStatus(
  collaboration: Collaboration,
  isReadOnly: () => boolean,
): SaveStatusView {
  const view = element("span", { className: "save-status", role: "status", ariaLive: "polite" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const show = (): void => {
    const { text, tone } = saveWords(collaboration, isReadOnly());
    view.textContent = text;
    view.dataset["tone"] = tone;
  };
  const refresh = (): void => {
    clearTimeout(timer);
    // Each attempt to come back is "connecting" for a moment; to a person it is one and the same outage.
    if (collaboration.status === "connecting" && view.dataset["tone"] === "warning") return;
    if (collaboration.status === "saved" && view.dataset["tone"] === "busy") {
      timer = setTimeout(show, CALM_AFTER_MS);
    } else show();
  };
  collaboration.on("status", refresh);
  show();
  return { view, refresh };
}
