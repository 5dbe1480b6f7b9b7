import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** How long the browser may take for a step, in milliseconds. */
export const PATIENCE = 120_000;

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
  // A machine that runs every layer at once takes its time.
  return chromium.launch({ executablePath, timeout: PATIENCE, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
}
