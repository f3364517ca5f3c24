import { Extension } from "@tiptap/core";
import { DOMParser, type ParseOptions } from "@tiptap/pm/model";
import { Plugin, PluginKey } from "@tiptap/pm/state";
import { fittingRules } from "./fitting-rules.ts";

const KEPT_AS = "data-pasted-style";

/** A tag with its attributes; quoted values may hold a `>`. */
const TAG = /<[a-z][^\s/>]*(?:"[^"]*"|'[^']*'|[^"'>])*>/giu;
const STYLE_SHEET = /<style\b[^>]*>.*?<\/style\s*>/gisu;
const ATTRIBUTE = /(?<name>[^\s"'<>/=]+)(?<value>\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))/gu;

/**
 * Reads styles in what is pasted although the CSP refuses style attributes in parsed markup. Google Docs writes
 * `<b style="font-weight: normal">` around everything: without its style all of it would be bold.
 */
export const PastedStyles = Extension.create({
  name: "pastedStyles",
  addProseMirrorPlugins() {
    const { schema } = this.editor;
    return [
      new Plugin({
        key: new PluginKey("pastedStyles"),
        props: {
          transformPastedHTML: withoutInlineCode,
          clipboardParser: new ClipboardParser(schema, fittingRules(schema)),
        },
      }),
    ];
  },
});

/** Puts styles under a name that means nothing, and handlers nowhere: parsing them would only be refused, loudly. */
const withoutInlineCode = (html: string): string =>
  html.replaceAll(STYLE_SHEET, "").replaceAll(TAG, (tag) =>
    tag.replaceAll(ATTRIBUTE, (attribute: string, name: string, value: string) => {
      if (name.toLowerCase() === "style") return KEPT_AS + value;
      return /^on/iu.test(name) ? "" : attribute;
    }),
  );

class ClipboardParser extends DOMParser {
  override parseSlice(dom: Node, options?: ParseOptions): ReturnType<DOMParser["parseSlice"]> {
    if (dom instanceof Element) {
      for (const styled of dom.querySelectorAll<HTMLElement>(`[${KEPT_AS}]`)) {
        // Through the object model styles are allowed; this document is never shown.
        styled.style.cssText = styled.getAttribute(KEPT_AS) ?? "";
        styled.removeAttribute(KEPT_AS);
      }
    }
    return super.parseSlice(dom, options);
  }
}
