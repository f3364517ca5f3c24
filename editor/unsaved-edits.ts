import type { Collaboration } from "../client/collaboration.ts";

/** Asks before the page is left while an edit is not committed: it lives in this tab alone. */
export function warnOfUnsavedEdits(collaboration: Collaboration): void {
  let unsaved = false;
  collaboration.document.on("update", (_update: Uint8Array, origin: unknown) => {
    if (origin !== collaboration.provider) unsaved = true;
  });
  collaboration.on("status", (status) => {
    if (status === "saved") unsaved = false;
  });
  globalThis.addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
}
