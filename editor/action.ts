import { sentenceOf } from "./client.ts";
import { element } from "./dom.ts";
import { notify } from "./notice.ts";

/** Does something that can fail; a failure is told in the notice at the foot of the page. */
export function attempt(work: () => Promise<void>): void {
  work().catch((error: unknown) => notify(sentenceOf(error)));
}

/** How a button looks and is read aloud. */
export type ButtonLook = {
  readonly text: string;
  readonly className?: string;
  /** What it acts on, where its text alone does not say. */
  readonly label?: string;
};

/** A button that cannot be pressed a second time while its work goes on. */
export function actionButton(look: ButtonLook, work: () => Promise<void>): HTMLButtonElement {
  const button = element(
    "button",
    { type: "button", className: look.className ?? "", ariaLabel: look.label ?? null },
    look.text,
  );
  button.addEventListener("click", () =>
    attempt(async () => {
      button.disabled = true;
      try {
        await work();
      } finally {
        button.disabled = false;
      }
    }),
  );
  return button;
}
