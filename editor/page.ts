import { isUuid } from "../schema/ids.ts";
import { createClient, isSignedOut, sentenceOf } from "./client.ts";
import { showHomePage } from "./home-page.ts";
import { showMessage } from "./message.ts";
import { forgetToken, readToken } from "./session.ts";
import { showSignInPage } from "./sign-in-page.ts";
import { showWelcomePage } from "./welcome-page.ts";

/** Shows what the address says, to whoever is signed in; every link loads the page anew. */
export async function showPage(body: HTMLElement): Promise<void> {
  const { pathname } = globalThis.location;
  if (pathname === "/sign-in") {
    showSignInPage(body);
    return;
  }
  if (readToken() === null) {
    showWelcomePage(body, "");
    return;
  }
  try {
    await showSignedIn(body, pathname);
  } catch (error) {
    if (isSignedOut(error)) {
      forgetToken();
      showWelcomePage(body, "Your sign-in has ended.");
      return;
    }
    showMessage(body, { title: "That did not work", text: sentenceOf(error), retry: true });
  }
}

async function showSignedIn(body: HTMLElement, pathname: string): Promise<void> {
  const client = createClient();
  const { body: me } = await client.getMe();
  const documentId = /^\/documents\/(?<id>[^/]+)$/u.exec(pathname)?.groups?.["id"];
  if (documentId === undefined) {
    await showHomePage({ body, client, me });
  } else if (isUuid(documentId)) {
    // The editor is most of the code; the list does without it.
    const { showDocumentPage } = await import("./document-page.ts");
    await showDocumentPage({ body, client, me }, documentId);
  } else {
    showMessage(body, NO_DOCUMENT);
  }
}

const NO_DOCUMENT = {
  title: "There is no such document",
  text: "The address is not that of a document. Perhaps a part of it is missing.",
};
