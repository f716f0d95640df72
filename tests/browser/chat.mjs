// Drives samples/ChatWeb in a real browser and prints what it saw, a JSON object a line. Nothing here sleeps: every wait is for something on the page.
// usage: node chat.mjs PAGE_URL CHROMIUM [FOLDER_FOR_PICTURES]
import { chromium } from "playwright-core";
import { mkdirSync } from "node:fs";

const [url, executablePath, pictures] = process.argv.slice(2);
const say = (step, saw) => console.log(JSON.stringify({ step, ...saw }));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"] });

const complaints = [];
async function open(options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on("pageerror", error => complaints.push(`page: ${error.message}`));
  page.on("console", message => {
    // A cut body and an error status are also told to the console, by the browser itself.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(`console: ${message.text()}`);
  });
  await page.goto(url);
  return page;
}

const lastText = page => page.evaluate(() => [...document.querySelectorAll(".answer .text")].at(-1)?.textContent ?? "");
const lastState = (page, state) => page.waitForFunction(wanted => [...document.querySelectorAll(".answer")].at(-1)?.dataset.state === wanted, state);
async function ask(page, text) {
  await page.fill("#prompt", text);
  await page.keyboard.press("Enter");
}
async function grows(page, times) {
  const lengths = [];
  for (let seen = 0; lengths.length < times; lengths.push(seen)) {
    await page.waitForFunction(before => ([...document.querySelectorAll(".answer .text")].at(-1)?.textContent.length ?? 0) > before, seen);
    seen = (await lastText(page)).length;
  }
  return lengths;
}
async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png`, animations: "disabled" });
}

try {
  const page = await open({ viewport: { width: 820, height: 620 }, colorScheme: "light" });
  say("opened", { title: await page.title(), focused: await page.evaluate(() => document.activeElement.id) });

  await ask(page, "A poem about rain");
  say("grew", { lengths: await grows(page, 4), stopShown: await page.isVisible("#stop") });
  await lastState(page, "done");
  say("whole", { text: await lastText(page), meter: await page.textContent(".answer:last-child .meter"), bannerShown: await page.isVisible(".answer:last-child .banner") });

  await ask(page, "Tell me a tale");
  await grows(page, 26);
  await picture(page, "chat");
  await page.click("#stop");
  await lastState(page, "stopped");
  say("stopped", { text: await lastText(page), sendShown: await page.isVisible("#send"), focused: await page.evaluate(() => document.activeElement.id) });

  await ask(page, "How do you work?");
  await grows(page, 2);
  await page.keyboard.press("Escape");
  await lastState(page, "stopped");
  say("escaped", { text: await lastText(page) });

  await ask(page, "/cut");
  await lastState(page, "cut");
  say("cut", { text: await lastText(page), banner: await page.innerText(".answer:last-child .banner > div"), alert: await page.getByRole("alert").last().isVisible() });
  await picture(page, "chat-cut");

  await ask(page, "/fail");
  await lastState(page, "failed");
  say("failed", { banner: await page.innerText(".answer:last-child .banner > div") });

  const evil = "<img src=x onerror=\"document.title='owned'\"><b>rain</b>";
  await ask(page, evil);
  await grows(page, 1);
  say("escaped-text", { question: await page.textContent(".question:nth-last-child(2) .text"), elements: await page.evaluate(() => document.querySelectorAll("#talk img, #talk b").length), title: await page.title() });
  await page.keyboard.press("Escape");
  await lastState(page, "stopped");

  const phone = await open({ viewport: { width: 360, height: 700 }, deviceScaleFactor: 1.5, isMobile: true, hasTouch: true, colorScheme: "dark" });
  await picture(phone, "chat-phone-welcome");
  await phone.tap(".chip >> nth=1");
  await grows(phone, 6);
  await picture(phone, "chat-phone");
  await phone.tap("#stop");
  await lastState(phone, "stopped");
  await ask(phone, "/cut");
  await lastState(phone, "cut");
  say("phone", await phone.evaluate(() => ({
    scrollWidth: Math.max(document.documentElement.scrollWidth, document.getElementById("scroller").scrollWidth),
    width: innerWidth,
    smallest: Math.min(...[...document.querySelectorAll(".round:not([hidden])")].map(button => button.getBoundingClientRect().width)),
  })));
  await picture(phone, "chat-phone-cut");
  say("complaints", { complaints });
} finally {
  await browser.close();
}
