import { sentenceOf } from "./client.ts";
import { type Child, element } from "./dom.ts";

/** A dialog that is open. */
export type OpenDialog = { close(): void };

/** Opens a modal dialog; Escape and its × close it. It is gone from the page when it is closed. */
export function openDialog(title: string, content: readonly Child[]): OpenDialog {
  const heading = element("h2", { id: `title-${crypto.randomUUID()}` }, title);
  const close = element(
    "button",
    { type: "button", className: "quiet close", ariaLabel: "Close" },
    "×",
  );
  const dialog = element(
    "dialog",
    {},
    element("div", { className: "dialog-head" }, heading, close),
    ...content,
  );
  dialog.setAttribute("aria-labelledby", heading.id);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  // Else the × would have it.
  dialog.querySelector<HTMLElement>("form :is(input, select)")?.focus();
  return { close: () => dialog.close() };
}

/** A form in a dialog. `send` may throw: the sentence is shown, and the dialog stays. */
export type FormDialog = {
  readonly title: string;
  readonly fields: readonly Child[];
  readonly action: string;
  readonly send: () => Promise<void>;
};

/** Asks for something and does it. */
export function openForm({ title, fields, action, send }: FormDialog): void {
  const failure = element("p", { role: "alert", className: "warning", hidden: true });
  const button = element("button", { className: "primary" }, action);
  const form = element(
    "form",
    {},
    ...fields,
    failure,
    element("div", { className: "actions" }, button),
  );
  const dialog = openDialog(title, [form]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    failure.hidden = true;
    send()
      .then(() => dialog.close())
      .catch((error: unknown) => {
        failure.textContent = sentenceOf(error);
        failure.hidden = false;
      })
      .finally(() => {
        button.disabled = false;
      });
  });
}

/** A field with its label, for a form. */
export function labelled(label: string, field: HTMLInputElement | HTMLSelectElement): HTMLElement {
  const wrap = element("p", { className: "field" });
  field.id = `field-${crypto.randomUUID()}`;
  wrap.append(element("label", { htmlFor: field.id }, label), field);
  return wrap;
}

/** A choice of several, each a value and its words. */
export function selection(
  choices: readonly (readonly [value: string, words: string])[],
  chosen?: string,
): HTMLSelectElement {
  const options = choices.map(([value, words]) => element("option", { value }, words));
  const select = element("select", {}, ...options);
  if (chosen !== undefined) select.value = chosen;
  return select;
}
