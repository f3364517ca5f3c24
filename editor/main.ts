/** The page's entry. Everything else is loaded when zod knows that it may not compile code: the CSP forbids it. */
import { z } from "zod";

z.config({ jitless: true });
const { showPage } = await import("./page.ts");
await showPage(document.body);
