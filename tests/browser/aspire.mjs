// Sends one message on the chat page of samples/AspireHost and prints its observations.
// usage: node aspire.mjs PAGE_URL CHROMIUM
import { chromium } from "playwright-core";
import { ask, lastText, launchOptions, report, waitForGrowth, waitForState } from "./chat-page.mjs";

const [url, executablePath] = process.argv.slice(2);
const browser = await chromium.launch(launchOptions(executablePath));
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(url);
  await ask(page, "hello there");
  const lengths = await waitForGrowth(page, 4);
  await waitForState(page, "done");
  report("complete", { lengths, text: await lastText(page) });
} finally {
  await browser.close();
}
