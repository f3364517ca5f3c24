import type { Editor } from "@tiptap/core";
import { askForImage, askForLink } from "./addresses.ts";
import type { IconName } from "./icons.ts";

/** One button of the toolbar. */
export type Tool = {
  readonly icon: IconName;
  readonly label: string;
  /** As people know it; `Mod` is ⌘ on a Mac and Ctrl elsewhere. */
  readonly keys?: string;
  readonly run: (editor: Editor) => void;
  /** For a button that is on or off. */
  readonly isOn?: (editor: Editor) => boolean;
  readonly isPossible?: (editor: Editor) => boolean;
};

const typing = (editor: Editor) => editor.chain().focus();

const HISTORY: readonly Tool[] = [
  {
    icon: "undo",
    label: "Undo",
    keys: "Mod+Z",
    run: (editor) => typing(editor).undo().run(),
    isPossible: (editor) => editor.can().undo(),
  },
  {
    icon: "redo",
    label: "Redo",
    keys: "Mod+Shift+Z",
    run: (editor) => typing(editor).redo().run(),
    isPossible: (editor) => editor.can().redo(),
  },
];

const mark = (
  name: "bold" | "italic" | "underline" | "strike" | "code",
  label: string,
  keys: string,
) =>
  ({
    icon: name,
    label,
    keys,
    run: (editor) => typing(editor).toggleMark(name).run(),
    isOn: (editor) => editor.isActive(name),
    isPossible: (editor) => editor.can().toggleMark(name),
  }) as const satisfies Tool;

const MARKS: readonly Tool[] = [
  mark("bold", "Bold", "Mod+B"),
  mark("italic", "Italic", "Mod+I"),
  mark("underline", "Underline", "Mod+U"),
  mark("strike", "Strike through", "Mod+Shift+S"),
  mark("code", "Code", "Mod+E"),
  {
    icon: "link",
    label: "Link",
    run: askForLink,
    isOn: (editor) => editor.isActive("link"),
  },
];

const BLOCKS: readonly Tool[] = [
  {
    icon: "bulletList",
    label: "Bullet list",
    keys: "Mod+Shift+8",
    run: (editor) => typing(editor).toggleBulletList().run(),
    isOn: (editor) => editor.isActive("bulletList"),
  },
  {
    icon: "orderedList",
    label: "Numbered list",
    keys: "Mod+Shift+7",
    run: (editor) => typing(editor).toggleOrderedList().run(),
    isOn: (editor) => editor.isActive("orderedList"),
  },
  {
    icon: "taskList",
    label: "Task list",
    keys: "Mod+Shift+9",
    run: (editor) => typing(editor).toggleTaskList().run(),
    isOn: (editor) => editor.isActive("taskList"),
  },
  {
    icon: "quote",
    label: "Quote",
    keys: "Mod+Shift+B",
    run: (editor) => typing(editor).toggleBlockquote().run(),
    isOn: (editor) => editor.isActive("blockquote"),
  },
  {
    icon: "codeBlock",
    label: "Code block",
    keys: "Mod+Alt+C",
    run: (editor) => typing(editor).toggleCodeBlock().run(),
    isOn: (editor) => editor.isActive("codeBlock"),
  },
];

const INSERTIONS: readonly Tool[] = [
  {
    icon: "table",
    label: "Insert a table",
    run: (editor) => typing(editor).insertTable({ rows: 3, cols: 3, withHeaderRow: true }).run(),
    isPossible: (editor) => !editor.isActive("table") && editor.can().insertTable(),
  },
  { icon: "image", label: "Insert an image", run: askForImage },
  {
    icon: "rule",
    label: "Insert a line",
    run: (editor) => typing(editor).setHorizontalRule().run(),
    isPossible: (editor) => editor.can().setHorizontalRule(),
  },
];

/** The buttons, in groups that belong together. */
export const TOOL_GROUPS: readonly (readonly Tool[])[] = [HISTORY, MARKS, BLOCKS, INSERTIONS];

/** What can be done with the table that the caret is in. */
export const TABLE_TOOLS = [
  { label: "Row above", run: (editor: Editor) => typing(editor).addRowBefore().run() },
  { label: "Row below", run: (editor: Editor) => typing(editor).addRowAfter().run() },
  { label: "Delete row", run: (editor: Editor) => typing(editor).deleteRow().run() },
  { label: "Column before", run: (editor: Editor) => typing(editor).addColumnBefore().run() },
  { label: "Column after", run: (editor: Editor) => typing(editor).addColumnAfter().run() },
  { label: "Delete column", run: (editor: Editor) => typing(editor).deleteColumn().run() },
  { label: "Delete table", run: (editor: Editor) => typing(editor).deleteTable().run() },
] as const;
