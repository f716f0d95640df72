// Drives samples/ChatWeb in a real browser and prints its observations, one JSON object per line.
// usage: node chat.mjs PAGE_URL CHROMIUM
import { chromium } from "playwright-core";
import { ask, lastText, launchOptions, report, waitForGrowth, waitForState } from "./chat-page.mjs";

const [url, executablePath] = process.argv.slice(2);
const browser = await chromium.launch(launchOptions(executablePath));

const errors = [];
async function open(options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on("pageerror", error => errors.push(`page: ${error.message}`));
  page.on("console", message => {
    // The browser itself logs truncated bodies and error statuses.
    const isExpected = /Failed to load resource/.test(message.text());
    if (message.type() === "error" && !isExpected) errors.push(`console: ${message.text()}`);
  });
  await page.goto(url);
  return page;
}

const focusedId = page => page.evaluate(() => document.activeElement.id);
const pressInPrompt = (page, key) => page.evaluate(init => document.getElementById("prompt").dispatchEvent(
  new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init })), key);
const bannerText = page => page.innerText(".response:last-child .banner > div");

async function copy(page, button) {
  // Not the mark of the button, which disappears after two seconds.
  await page.evaluate(() => { document.getElementById("status").textContent = ""; });
  await page.click(button);
  await page.waitForFunction(() => document.getElementById("status").textContent === "Copied.");
  return page.evaluate(() => navigator.clipboard.readText());
}

try {
  const page = await open({
    viewport: { width: 820, height: 620 },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  report("opened", { title: await page.title(), focused: await focusedId(page) });

  // The Enter that ends a composition: in Safari, it has only the key code.
  await page.fill("#prompt", "A poem about snow");
  await pressInPrompt(page, { key: "Enter", isComposing: true });
  await pressInPrompt(page, { key: "Enter", keyCode: 229 });
  report("composed", { questions: await page.locator(".question").count() });

  await ask(page, "A poem about rain");
  await waitForState(page, "done");
  report("complete", {
    text: await lastText(page),
    meter: await page.textContent(".response:last-child .meter"),
    bannerShown: await page.isVisible(".response:last-child .banner"),
  });

  await ask(page, "Tell me a story");
  report("grew", { lengths: await waitForGrowth(page, 4), stopShown: await page.isVisible("#stop") });
  await page.click("#stop");
  await waitForState(page, "stopped");
  report("stopped", {
    text: await lastText(page),
    sendShown: await page.isVisible("#send"),
    focused: await focusedId(page),
  });

  await ask(page, "How do you work?");
  await pressInPrompt(page, { key: "Escape", isComposing: true });
  await pressInPrompt(page, { key: "Escape", keyCode: 229 });
  await waitForGrowth(page, 2);
  await page.keyboard.press("Escape");
  await waitForState(page, "stopped");
  report("escaped", { text: await lastText(page) });

  await ask(page, "/truncate");
  await waitForState(page, "truncated");
  report("truncated", {
    text: await lastText(page),
    banner: await bannerText(page),
    alert: await page.getByRole("alert").last().isVisible(),
  });

  await ask(page, "/fail");
  await waitForState(page, "failed");
  report("failed", { banner: await bannerText(page) });

  await ask(page, "Write some code");
  await waitForState(page, "done");
  report("code", {
    paragraphs: await page.locator(".response:last-child .text > p").allTextContents(),
    code: await page.textContent(".response:last-child code"),
    copiedCode: await copy(page, ".response:last-child .listing .copy"),
    copiedResponse: await copy(page, ".response:last-child .meter .copy"),
  });

  await ask(page, "Tell me a story");
  await waitForGrowth(page, 2);
  await page.click("#new");
  report("new-chat", {
    responses: await page.locator(".response").count(),
    welcomeShown: await page.isVisible("#welcome"),
    sendShown: await page.locator("#send").waitFor().then(() => true),
    focused: await focusedId(page),
  });

  const html = "<img src=x onerror=\"document.title='owned'\"><b>rain</b>";
  await ask(page, html);
  await waitForGrowth(page, 1);
  report("escaped-text", {
    question: await page.textContent(".question:nth-last-child(2) .text"),
    elements: await page.evaluate(() => document.querySelectorAll("#talk img, #talk b").length),
    title: await page.title(),
  });
  await page.keyboard.press("Escape");
  await waitForState(page, "stopped");

  const phone = await open({
    viewport: { width: 360, height: 700 },
    isMobile: true,
    hasTouch: true,
  });
  await phone.tap(".chip >> nth=0");
  await waitForGrowth(phone, 6);
  await phone.tap("#stop");
  await waitForState(phone, "stopped");
  await ask(phone, "/truncate");
  await waitForState(phone, "truncated");
  report("phone", await phone.evaluate(() => {
    const heightOf = element => element.getBoundingClientRect().height;
    const isShown = element => element.checkVisibility();
    const scroller = document.getElementById("scroller");
    return {
      scrollWidth: Math.max(document.documentElement.scrollWidth, scroller.scrollWidth),
      width: innerWidth,
      smallest: Math.min(...[...document.querySelectorAll("button")].filter(isShown).map(heightOf)),
      meter: document.querySelector(".response:last-child .meter").innerText,
    };
  }));
  report("errors", { errors });
} finally {
  await browser.close();
}
