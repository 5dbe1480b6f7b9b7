import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Where Debian's package puts the browser; CHROMIUM names another one. */
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/**
 * Starts a headless Chromium. A page is tested in a browser or not at all, so a missing one fails the test.
 *
 * @throws Error that says what to install.
 */
export async function startBrowser(): Promise<Browser> {
  if (!existsSync(executablePath)) {
    throw new Error(
      `There is no Chromium at ${executablePath}, in which the pages of the package are tested. ` +
        "Install it (Debian and Ubuntu: apt-get install -y chromium), or name the one you have: CHROMIUM=/path/to/chromium.",
    );
  }
  return chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
}
