/** What stands inside an element. Strings become text, never markup; null is nothing. */
export type Child = Node | string | null;

/**
 * Makes an element: `element("button", { type: "button", ariaLabel: "Bold" }, "B")`. Properties, not attributes,
 * so that nothing is ever parsed as markup and no inline style or handler is written.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  Object.assign(made, properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}
