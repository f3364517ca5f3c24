/** Makes a toolbar one stop for Tab; arrows, Home and End lead through its buttons and fields. */
export function roveFocus(toolbar: HTMLElement): void {
  const controls = (): HTMLElement[] =>
    [...toolbar.querySelectorAll<HTMLElement>("button, select")].filter(
      (control) => control.closest("[hidden]") === null,
    );
  const makeCurrent = (current: HTMLElement | undefined): void => {
    for (const control of toolbar.querySelectorAll<HTMLElement>("button, select")) {
      control.tabIndex = control === current ? 0 : -1;
    }
  };
  toolbar.addEventListener("focusin", ({ target }) => {
    if (target instanceof HTMLElement) makeCurrent(target);
  });
  toolbar.addEventListener("keydown", (event) => {
    const all = controls();
    const next = nextControl(event, all);
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  });
  makeCurrent(controls()[0]);
}

/** Up and down belong to a choice that has the focus. */
function nextControl(
  event: KeyboardEvent,
  controls: readonly HTMLElement[],
): HTMLElement | undefined {
  const at = controls.findIndex((control) => control === document.activeElement);
  switch (event.key) {
    case "ArrowRight":
      return controls[(at + 1) % controls.length];
    case "ArrowLeft":
      return controls.at(at - 1);
    case "Home":
      return controls[0];
    case "End":
      return controls.at(-1);
    default:
      return undefined;
  }
}
