/** The longest slug there is, in characters. */
const MAX_LENGTH = 100;

/** A slug made of a title or a file name: "Über uns!" gives "uber-uns"; null when nothing of it can be part of one. */
export function slugFrom(title: string, maxLength = MAX_LENGTH): string | null {
  const words = title.normalize("NFKD").toLowerCase().replaceAll(/\p{M}/gu, "");
  const slug = words
    .replaceAll(/[^a-z0-9]+/gu, "-")
    .slice(0, maxLength)
    .replaceAll(/^-|-$/gu, "");
  return slug === "" ? null : slug;
}
