// Shows responses in a real browser with the clients of clients.jsx and prints what the page shows, one JSON object per
// response. It never sleeps: each wait is for a change of the page.
// usage: node clients.mjs FOLDER_FOR_PAGE CHROMIUM < GROUPS
// GROUPS is JSON: [[{"url":"…","action":"…","responses":[["id","client","path"],…]},…],…]. The pages of one group are
// shown at the same time, one group after the other.
// The actions are: wait for the end, stop (click the button once text is there), close the page once text is there.
import { chromium } from "playwright-core";
import { build } from "esbuild";
import { writeFileSync } from "node:fs";
import { json } from "node:stream/consumers";

const [folder, executablePath] = process.argv.slice(2);
await build({
  entryPoints: ["clients.jsx"],
  outfile: `${folder}/clients.js`,
  bundle: true,
  minify: true,
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"' },
});
writeFileSync(`${folder}/clients.html`, "<!doctype html><title>Clients</title><body><script src=clients.js></script>");

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"],
});
try {
  for (const pages of await json(process.stdin)) await Promise.all(pages.map(showPage));
} finally {
  await browser.close();
}

async function showPage({ url, action, responses }) {
  const page = await browser.newPage();
  page.setDefaultTimeout(150_000);
  await page.goto(`${url}clients.html#${JSON.stringify(responses)}`);
  await Promise.all(responses.map(async ([id]) => {
    const view = page.locator(`[id="${id}"] section`);
    if (action !== "wait") await view.locator("p", { hasText: "Hel" }).waitFor();
    // Not click(): all responses of a page share its mouse.
    if (action === "stop") await view.getByRole("button").dispatchEvent("click");
    if (action === "close") return;
    // A response that does not end is reported with the state that it has.
    const end = view.and(page.locator(":not([data-state=running], [data-state=reconnecting])"));
    await end.waitFor().catch(() => {});
    console.log(JSON.stringify({
      step: id,
      states: await view.getAttribute("data-states"),
      text: await view.locator("p").first().textContent(),
      alert: (await view.getByRole("alert").allTextContents())[0],
    }));
  }));
  await page.close();
}
