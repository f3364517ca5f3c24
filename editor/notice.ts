import { element } from "./dom.ts";

/** Long enough to read two sentences and to press the button, ms. */
const SHOWN_MS = 8000;

/** A way back, offered beside the words. */
export type NoticeAction = { readonly text: string; readonly act: () => void };

/** Tells something at the foot of the page, aloud too, for some seconds. */
export function notify(text: string, action?: NoticeAction): void {
  const region = regionOf(document.body);
  const notice = element("div", { className: "notice" }, element("span", {}, text));
  const end = (): void => notice.remove();
  if (action !== undefined) {
    const { text: label, act } = action;
    const onclick = (): void => {
      end();
      act();
    };
    notice.append(element("button", { type: "button", className: "quiet", onclick }, label));
  }
  region.replaceChildren(notice);
  setTimeout(end, SHOWN_MS);
}

/** It must be there before the words: a screen reader announces changes, not arrivals. */
function regionOf(body: HTMLElement): HTMLElement {
  const present = body.querySelector<HTMLElement>(".notices");
  if (present !== null) return present;
  const region = element("div", { className: "notices", role: "status", ariaLive: "polite" });
  body.append(region);
  return region;
}
