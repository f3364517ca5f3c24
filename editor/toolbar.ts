import type { Editor } from "@tiptap/core";
import { selection } from "./dialog.ts";
import { element } from "./dom.ts";
import { icon } from "./icons.ts";
import { roveFocus } from "./roving-focus.ts";
import { TABLE_TOOLS, TOOL_GROUPS, type Tool } from "./tools.ts";

/** A control, and how it follows the editor. */
type Control = { readonly view: HTMLElement; refresh(): void };

/** The usual marks and blocks as buttons; follows the caret. One stop for Tab, arrows lead through it. */
export function createToolbar(editor: Editor): HTMLElement {
  const controls: Control[] = [];
  const placed = (control: Control): HTMLElement => {
    controls.push(control);
    return control.view;
  };
  const groups = TOOL_GROUPS.map((tools) =>
    element(
      "div",
      { className: "tools" },
      ...tools.map((tool) => placed(toolButton(editor, tool))),
    ),
  );
  const blockType = element("div", { className: "tools" }, placed(blockTypeChoice(editor)));
  const [history, ...others] = groups;
  const toolbar = element(
    "div",
    { className: "toolbar", role: "toolbar", ariaLabel: "Formatting" },
    history ?? null,
    blockType,
    ...others,
    placed(tableTools(editor)),
  );
  roveFocus(toolbar);
  const refresh = (): void => {
    toolbar.hidden = !editor.isEditable;
    for (const control of controls) control.refresh();
  };
  editor.on("transaction", refresh);
  editor.on("update", refresh);
  refresh();
  return toolbar;
}

function toolButton(
  editor: Editor,
  { icon: name, label, keys, run, isOn, isPossible }: Tool,
): Control {
  const title = keys === undefined ? label : `${label} (${keysHere(keys)})`;
  const view = element("button", { type: "button", className: "tool", ariaLabel: label, title });
  view.append(icon(name));
  // The selection stays where it is, also in browsers that move the focus at once.
  view.addEventListener("mousedown", (event) => event.preventDefault());
  view.addEventListener("click", () => {
    if (view.ariaDisabled !== "true") run(editor);
  });
  return {
    view,
    refresh() {
      if (isOn !== undefined) view.ariaPressed = String(isOn(editor));
      // Not `disabled`: the button would lose the focus in the hand of who uses the keyboard.
      if (isPossible !== undefined) view.ariaDisabled = String(!isPossible(editor));
    },
  };
}

const keysHere = (keys: string): string =>
  keys.replace("Mod", navigator.userAgent.includes("Mac") ? "⌘" : "Ctrl");

const LEVELS = [1, 2, 3, 4, 5, 6] as const;

function blockTypeChoice(editor: Editor): Control {
  const headings = LEVELS.map((level) => [String(level), `Heading ${level}`] as const);
  const view = selection([["0", "Text"], ...headings]);
  view.ariaLabel = "Kind of paragraph";
  view.addEventListener("change", () => {
    const level = LEVELS.find((each) => String(each) === view.value);
    const chain = editor.chain().focus();
    if (level === undefined) chain.setParagraph().run();
    else chain.setHeading({ level }).run();
  });
  return {
    view,
    refresh() {
      const level = LEVELS.find((each) => editor.isActive("heading", { level: each }));
      view.value = String(level ?? 0);
    },
  };
}

function tableTools(editor: Editor): Control {
  const buttons = TABLE_TOOLS.map(({ label, run }) => {
    const button = element("button", { type: "button", className: "tool words" }, label);
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => run(editor));
    return button;
  });
  const view = element(
    "div",
    { className: "tools", role: "group", ariaLabel: "Table" },
    ...buttons,
  );
  return {
    view,
    refresh() {
      view.hidden = !editor.isActive("table");
    },
  };
}
