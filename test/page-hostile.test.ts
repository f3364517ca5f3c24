import { HocuspocusProvider } from "@hocuspocus/provider";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import { SCRIPT } from "../persistence/activities.ts";
import { createSession } from "../persistence/accounts.ts";
import { isUnsafeKey } from "../schema/content-node.ts";
import { describeInBrowser } from "./support/browser.ts";
import { HOSTILE_PAYLOADS } from "./support/hostile-content.ts";
import { createGuest, linkFor, signIn, untilStatus, type Visitor } from "./support/page-visitor.ts";
import { replay } from "./support/replay.ts";
import { startRest, type Rest } from "./support/rest.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { until } from "./support/until.ts";
import { openWire, type WireClient } from "./support/wire-client.ts";

/** What the gate lets through: it refuses keys that reach a prototype. */
const PAYLOADS = HOSTILE_PAYLOADS.filter(({ name }) => !name.split(" ").some(isUnsafeKey));

/** The only address that anything may be loaded from: the images of the payloads that are true images. */
const IMAGES = "https://example.com/";

let rest: Rest;
let tenant: Tenant;

beforeAll(async () => {
  rest = await startRest();
  tenant = await createTenant(rest.sql);
});
afterAll(() => rest.close());

/** A document that a hostile editor has filled, and everything it holds. */
async function fillDocument(
  write: (fragment: Y.XmlFragment) => void,
): Promise<{ documentId: string; hostile: WireClient }> {
  const { documentId, name } = await tenant.document();
  const url = `${rest.url.replace("http", "ws")}/collaboration`;
  const hostile = await openWire({ url, name, token: tenant.token });
  write(hostile.document.getXmlFragment("default"));
  await hostile.answered();
  expect([hostile.closed, hostile.refused]).toEqual([null, 0]);
  return { documentId, hostile };
}

/** Everything that a payload could do to who looks at it. */
function watch({ page }: Visitor): string[] {
  const seen: string[] = [];
  page.on("dialog", (dialog) => {
    seen.push(`dialog ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  page.on("popup", (popup) => seen.push(`popup ${popup.url()}`));
  page.on("request", (request) => {
    const url = request.url();
    const isOwn = url.startsWith(rest.url) || url.startsWith(IMAGES);
    if (!isOwn) seen.push(`request ${url}`);
  });
  page.on("pageerror", (error) => seen.push(`exception ${error.message}`));
  return seen;
}

async function visit(browser: Browser, userId: string): Promise<Visitor> {
  const visitor = await signIn(browser, await linkFor(rest, userId));
  // Nothing leaves the machine.
  await visitor.page.route(`${IMAGES}**`, (route) => route.abort());
  return visitor;
}

/** What of the shown text a browser could act on. */
const activeIn = ({ text }: Visitor): Promise<string[]> =>
  text.evaluate((shown) =>
    [...shown.querySelectorAll("*")].flatMap((element) => {
      const { localName } = element;
      const faults = element
        .getAttributeNames()
        .filter((name) => /^on|^(?:srcdoc|srcset|formaction|action|ping|background)$/u.test(name))
        .map((name) => `${localName} has ${name}="${element.getAttribute(name)}"`);
      // What Tiptap sets itself loads nothing.
      const style = element.getAttribute("style") ?? "";
      if (/url|import|fixed/u.test(style)) faults.push(`${localName} has style="${style}"`);
      for (const name of ["href", "src", "xlink:href"]) {
        const value = element.getAttribute(name);
        if (value !== null && !/^(?:https?:\/\/|mailto:)/u.test(value)) {
          faults.push(`${localName} has ${name}="${value}"`);
        }
      }
      const isActive = /^(?:script|iframe|object|embed|svg|math|base|meta|form|style|link)$/u;
      return isActive.test(localName) ? [...faults, localName] : faults;
    }),
  );

function paragraph(words: string): Y.XmlElement {
  const made = new Y.XmlElement("paragraph");
  made.insert(0, [new Y.XmlText(words)]);
  return made;
}

/** A node that a newer client may have. */
function callout(words: string): Y.XmlElement {
  const made = new Y.XmlElement("callout");
  made.insert(0, [new Y.XmlText(words)]);
  return made;
}

function quote(inside: Y.XmlElement): Y.XmlElement {
  const made = new Y.XmlElement("blockquote");
  made.insert(0, [inside]);
  return made;
}

const CARET = { anchor: { tname: "default" }, head: { tname: "default" } };

/** What a presence may say that is no caret and nobody. */
const HOSTILE_PRESENCE: readonly Record<string, unknown>[] = [
  { cursor: "x" },
  { cursor: {} },
  { cursor: { anchor: null, head: null } },
  { cursor: { anchor: 1, head: "x" } },
  { cursor: { anchor: { type: {} }, head: { item: "x" } } },
  {
    cursor: {
      anchor: { item: { client: -1, clock: 2 ** 53 } },
      head: { type: { client: 1, clock: 1 } },
    },
  },
  { cursor: { anchor: { tname: "__proto__" }, head: { tname: "constructor" } } },
  { cursor: { anchor: { tname: "diagram", assoc: 1e9 }, head: { tname: "default", assoc: "x" } } },
  { cursor: CARET, user: "<img src=x onerror=alert(1)>" },
  { cursor: CARET, user: null },
  { cursor: CARET, user: 1 },
  { cursor: CARET, user: { name: { toString: 1 }, color: { toString: 1 } } },
  { cursor: CARET, user: { name: "<script>alert(1)</script>", color: "red;background:url(//x)" } },
  { cursor: CARET, user: { name: "x".repeat(10_000), color: "#ffffff" } },
];

/** Without attributes. */
const plain = (xml: string): string => xml.replaceAll(/ [\w-]+="[^"]*"/gu, "");

describeInBrowser("a document that a hostile editor wrote", (browser) => {
  test.each(["viewer", "editor"] as const)(
    `[T51] %s opens ${PAYLOADS.length} payloads: nothing runs, nothing is loaded, nothing changes`,
    async (role) => {
      const { documentId, hostile } = await fillDocument((fragment) => {
        for (const { write } of PAYLOADS) write(fragment);
      });
      const before = await replay(rest.sql, documentId);
      const guestId = await createGuest(rest.sql, tenant, { name: role, role });
      const visitor = await visit(browser(), guestId);
      const seen = watch(visitor);
      await visitor.open(documentId);
      await visitor.text.getByText("words").first().waitFor();
      if (role === "editor") await untilStatus(visitor, "Saved");
      expect(await activeIn(visitor)).toEqual([]);
      for (const link of await visitor.text.locator("a").all()) await link.hover();
      expect(seen).toEqual([]);
      const after = await replay(rest.sql, documentId);
      expect(Y.encodeStateVector(after)).toEqual(Y.encodeStateVector(before));
      expect(after.getXmlFragment("default").length).toBe(PAYLOADS.length);
      await hostile.close();
      await visitor.page.context().close();
    },
    60_000,
  );

  test("what the page does not know stays where it is while people write around it", async () => {
    const { documentId, hostile } = await fillDocument((fragment) => {
      fragment.push([
        paragraph("one"),
        callout("kept"),
        paragraph("two"),
        quote(callout("inside")),
      ]);
      fragment.push([paragraph("three"), callout("last")]);
    });
    const visitor = await visit(browser(), tenant.userId);
    const seen = watch(visitor);
    await visitor.open(documentId);
    await visitor.text.getByText("two").click();
    const { keyboard } = visitor.page;
    await keyboard.press("End");
    await keyboard.type(" more");
    await keyboard.press("Enter");
    await keyboard.type("new");
    await visitor.text.getByText("one").click();
    await keyboard.press("Home");
    await keyboard.type("at ");
    await visitor.text.getByText("three").click();
    await keyboard.press("Control+b");
    await keyboard.type("!");
    await untilStatus(visitor, "Saved");
    const shape = async (): Promise<string> => {
      const fragment = (await replay(rest.sql, documentId)).getXmlFragment("default");
      return plain(fragment.toJSON());
    };
    expect(await shape()).toMatch(
      /^<paragraph>at one<\/paragraph><callout>kept<\/callout><paragraph>two more<\/paragraph><paragraph>new<\/paragraph><blockquote><callout>inside<\/callout><\/blockquote><paragraph>three.*<callout>last<\/callout>$/u,
    );
    await keyboard.press("Control+a");
    await keyboard.press("Delete");
    await keyboard.type("over");
    await untilStatus(visitor, "Saved");
    for (const words of ["kept", "inside", "last"]) {
      expect(await shape()).toContain(`<callout>${words}</callout>`);
    }
    expect(await shape()).toContain("over");
    expect(await shape()).not.toContain("two");
    expect(seen).toEqual([]);
    await hostile.close();
    await visitor.page.context().close();
  });

  test("a mark that the page does not know costs no words, and what is broken goes with the next edit", async () => {
    const { documentId, hostile } = await fillDocument((fragment) => {
      const marked = new Y.XmlText();
      marked.insert(0, "marked", { blink: {} });
      const first = new Y.XmlElement("paragraph");
      first.setAttribute("id", "first");
      first.insert(0, [marked]);
      const list = new Y.XmlElement("bulletList");
      list.insert(0, [new Y.XmlElement("listItem")]);
      fragment.push([first, list, paragraph("words")]);
    });
    const visitor = await visit(browser(), tenant.userId);
    await visitor.open(documentId);
    await visitor.text.getByText("marked").waitFor();
    const fragment = async (): Promise<Y.XmlFragment> =>
      (await replay(rest.sql, documentId)).getXmlFragment("default");
    expect((await fragment()).toJSON()).toContain("<blink>marked</blink>");
    expect((await fragment()).length).toBe(3);
    await visitor.text.getByText("words").click();
    await visitor.page.keyboard.press("End");
    await visitor.page.keyboard.type(" more");
    await untilStatus(visitor, "Saved");
    const after = (await fragment()).toJSON();
    expect(after).toContain("<blink>marked</blink>");
    expect(after).toContain("words more");
    expect(after).not.toContain("listitem");
    await hostile.close();
    await visitor.page.context().close();
  });
});

describeInBrowser("somebody who may only read", (browser) => {
  test("says of his caret what he likes, and cannot stop the others from writing", async () => {
    const { documentId, hostile } = await fillDocument((fragment) =>
      fragment.push([paragraph("")]),
    );
    const visitor = await visit(browser(), tenant.userId);
    const seen = watch(visitor);
    await visitor.open(documentId);
    await visitor.text.click();
    const guestId = await createGuest(rest.sql, tenant, { name: "Lurker", role: "viewer" });
    const { token } = await createSession(
      rest.sql,
      { userId: guestId, expiresAt: new Date(Date.now() + 3_600_000) },
      SCRIPT,
    );
    const lurker = new HocuspocusProvider({
      url: `${rest.url.replace("http", "ws")}/collaboration`,
      name: `document:${documentId}`,
      token,
    });
    await until(() => lurker.isSynced);
    for (const [index, state] of HOSTILE_PRESENCE.entries()) {
      lurker.awareness?.setLocalState({ ...state, index });
      await visitor.page.keyboard.type("x");
    }
    lurker.awareness?.setLocalState({ user: { name: "The end" } });
    await visitor.page.locator(".person[title='The end']").waitFor();
    await visitor.page.keyboard.type("!");
    await untilStatus(visitor, "Saved");
    const { length } = HOSTILE_PRESENCE;
    const stored = (await replay(rest.sql, documentId)).getXmlFragment("default");
    expect(plain(stored.toJSON())).toBe(`<paragraph>${"x".repeat(length)}!</paragraph>`);
    expect(seen).toEqual([]);
    expect(await activeIn(visitor)).toEqual([]);
    lurker.destroy();
    await hostile.close();
    await visitor.page.context().close();
  });
});
