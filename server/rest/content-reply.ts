import type { Rendering } from "../../persistence/render-stored.ts";
import type { ContentFormat } from "../../schema/api/content.ts";
import type { TextType } from "../../schema/api/contract.ts";

type ContentReply = { readonly dropped: number } & (
  | { readonly json: string }
  | { readonly text: string; readonly type: TextType }
);

/** Content as it was asked for: text alone, or JSON among these fields, which is not parsed to be written again. */
export function contentReply(
  fields: object,
  { text, dropped }: Rendering,
  format: ContentFormat,
): ContentReply {
  if (format !== "json") return { text, type: `text/${format}`, dropped };
  return { json: `${JSON.stringify(fields).slice(0, -1)},"content":${text}}`, dropped };
}
