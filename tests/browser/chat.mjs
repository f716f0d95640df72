// Drives samples/ChatWeb in a real browser and prints its observations, one JSON object per line.
// It never sleeps: each wait is for a change of the page.
// usage: node chat.mjs PAGE_URL CHROMIUM [FOLDER_FOR_PICTURES]
import { chromium } from "playwright-core";
import { mkdirSync } from "node:fs";

const [url, executablePath, pictures] = process.argv.slice(2);
const report = (step, observations) => console.log(JSON.stringify({ step, ...observations }));
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"],
});

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

const lastText = page => page.evaluate(
  () => [...document.querySelectorAll(".response .text")].at(-1)?.textContent ?? "");
const waitForState = (page, state) => page.waitForFunction(
  wanted => [...document.querySelectorAll(".response")].at(-1)?.dataset.state === wanted, state);
const waitForLongerText = (page, length) => page.waitForFunction(
  before => ([...document.querySelectorAll(".response .text")].at(-1)?.textContent.length ?? 0) > before, length);
const focusedId = page => page.evaluate(() => document.activeElement.id);
const bannerText = page => page.innerText(".response:last-child .banner > div");

async function ask(page, text) {
  await page.fill("#prompt", text);
  await page.keyboard.press("Enter");
}

// Waits until the text has become longer the given number of times. Returns the lengths.
async function waitForGrowth(page, times) {
  const lengths = [];
  for (let length = 0; lengths.length < times; lengths.push(length)) {
    await waitForLongerText(page, length);
    length = (await lastText(page)).length;
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
  report("opened", { title: await page.title(), focused: await focusedId(page) });

  await ask(page, "A poem about rain");
  report("grew", { lengths: await waitForGrowth(page, 4), stopShown: await page.isVisible("#stop") });
  await waitForState(page, "done");
  report("complete", {
    text: await lastText(page),
    meter: await page.textContent(".response:last-child .meter"),
    bannerShown: await page.isVisible(".response:last-child .banner"),
  });

  await ask(page, "Tell me a story");
  await waitForGrowth(page, 26);
  await picture(page, "chat");
  await page.click("#stop");
  await waitForState(page, "stopped");
  report("stopped", {
    text: await lastText(page),
    sendShown: await page.isVisible("#send"),
    focused: await focusedId(page),
  });

  await ask(page, "How do you work?");
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
  await picture(page, "chat-cut");

  await ask(page, "/fail");
  await waitForState(page, "failed");
  report("failed", { banner: await bannerText(page) });

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
    deviceScaleFactor: 1.5,
    isMobile: true,
    hasTouch: true,
    colorScheme: "dark",
  });
  await picture(phone, "chat-phone-welcome");
  await phone.tap(".chip >> nth=1");
  await waitForGrowth(phone, 6);
  await picture(phone, "chat-phone");
  await phone.tap("#stop");
  await waitForState(phone, "stopped");
  await ask(phone, "/truncate");
  await waitForState(phone, "truncated");
  report("phone", await phone.evaluate(() => {
    const widthOf = element => element.getBoundingClientRect().width;
    const scroller = document.getElementById("scroller");
    return {
      scrollWidth: Math.max(document.documentElement.scrollWidth, scroller.scrollWidth),
      width: innerWidth,
      smallest: Math.min(...[...document.querySelectorAll(".round:not([hidden])")].map(widthOf)),
    };
  }));
  await picture(phone, "chat-phone-cut");
  report("errors", { errors });
} finally {
  await browser.close();
}
