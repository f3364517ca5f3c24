import type { ApiClient } from "../client/api.ts";
import { actionButton } from "./action.ts";
import { element } from "./dom.ts";

/** One page of a list, and where the next one begins. */
export type ListPage<T> = { readonly entries: readonly T[]; readonly nextCursor: string | null };

type Paged<T> = {
  /** Where the entries go. */
  readonly list: HTMLElement;
  readonly load: (cursor: string | undefined) => Promise<ListPage<T>>;
  readonly show: (entry: T) => HTMLElement;
  /** The words of the button that brings the next page. */
  readonly more: string;
};

/** Fills a list with its first page; answers the button that adds the next, hidden on the last. */
export async function fillPaged<T>({ list, load, show, more }: Paged<T>): Promise<HTMLElement> {
  let next: string | null = null;
  const add = async (cursor: string | undefined): Promise<void> => {
    const { entries, nextCursor } = await load(cursor);
    next = nextCursor;
    list.append(...entries.map(show));
    holder.hidden = next === null;
  };
  const button = actionButton({ text: more }, () => add(next ?? undefined));
  const holder = element("p", { className: "more-button", hidden: true }, button);
  await add(undefined);
  return holder;
}

/** Everything of a list that is known to be short, page after page. */
export async function allOf<T>(
  load: (cursor: string | undefined) => Promise<ListPage<T>>,
): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | null = null;
  do {
    const page: ListPage<T> = await load(cursor ?? undefined);
    all.push(...page.entries);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return all;
}

/** The query of a page: the first has no cursor. */
export const pageQuery = (cursor: string | undefined): { cursor?: string } =>
  cursor === undefined ? {} : { cursor };

/** The types of what the lists of this page hold. */
export type Project = Awaited<ReturnType<ApiClient["getProject"]>>["body"];
export type Document = Awaited<ReturnType<ApiClient["getDocument"]>>["body"];
export type Organization = Awaited<ReturnType<ApiClient["getOrganization"]>>["body"];
