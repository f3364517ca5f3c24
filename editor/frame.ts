import type { ApiClient } from "../client/api.ts";
import { actionButton } from "./action.ts";
import { codeOf, type Page } from "./client.ts";
import { type Child, element } from "./dom.ts";
import { forgetToken } from "./session.ts";

/** The bar at the top: the way home, and what this page adds. */
export const frame = (parts: readonly Child[]): HTMLElement =>
  element(
    "header",
    { className: "bar" },
    element("a", { className: "brand", href: "/" }, "Scriptorium"),
    ...parts,
  );

/** Who is signed in, and the way out. */
export const account = ({ client, me }: Page): HTMLElement =>
  element(
    "span",
    { className: "account" },
    element("span", { className: "account-name", title: me.user.email }, me.user.name),
    actionButton({ text: "Sign out", className: "quiet" }, () => signOut(client)),
  );

/** Ends the session at the server; only then is the token forgotten, so that it cannot outlive the sign-out. */
async function signOut(client: ApiClient): Promise<void> {
  try {
    await client.signOut();
  } catch (error) {
    // Any answer of the server will do: a token of another application is not the server's to end.
    if (codeOf(error) === null) throw error;
  }
  forgetToken();
  location.assign("/");
}
