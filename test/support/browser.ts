import { accessSync, constants } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe } from "vitest";

/** Where Linux and macOS have it. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

const executablePath = PLACES.find(isExecutable) ?? null;

/** Under CI a missing browser is a failure: a test that nobody runs proves nothing. */
const skips = executablePath === null && (process.env["CI"] ?? "") === "";

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Tests in a real Chromium, one for all of them: `browser()` is it. A laptop without one skips them, CI never does. */
export function describeInBrowser(name: string, tests: (browser: () => Browser) => void): void {
  if (skips) {
    // oxlint-disable-next-line no-console -- vitest prints it under the name of the test file
    console.info(`"${name}" is skipped: no Chromium at ${PLACES.join(", ")}`);
  }
  describe.skipIf(skips)(name, () => {
    let open: Browser | null = null;
    beforeAll(async () => {
      if (executablePath === null) throw new Error(`No Chromium at ${PLACES.join(", ")}`);
      // Root has no sandbox; /dev/shm is small in a container.
      const args = ["--no-sandbox", "--disable-dev-shm-usage"];
      open = await chromium.launch({ executablePath, args });
    });
    afterAll(async () => {
      await open?.close();
    });
    tests(() => {
      if (open === null) throw new Error("Chromium did not start");
      return open;
    });
  });
}

/** What a page complains of from now on: errors on its console (a CSP violation is one), exceptions, lost requests. */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) => {
    complaints.push(`request: ${request.url()} ${request.failure()?.errorText ?? ""}`);
  });
  return complaints;
}
