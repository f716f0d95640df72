// Makes the pictures of samples/ChatWeb in docs/images from real responses. It starts the sample.
// The recording shows the states of the page in the order and with the pauses of a real run, drawn one by one.
// usage: node chat-pictures.mjs [CHROMIUM]
import { chromium } from "playwright-core";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import gifenc from "gifenc";
import pngjs from "pngjs";
import { ask, launchOptions, waitForState } from "./chat-page.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const images = `${root}docs/images`;
const sample = spawn("dotnet", ["run", "--project", "samples/ChatWeb", "--", "--urls", "http://127.0.0.1:0"], {
  cwd: root,
  detached: true,   // a process group, which also contains the program that dotnet run starts
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  const url = await getUrl();
  const options = launchOptions(process.argv[2] ?? "/usr/bin/chromium");
  const browser = await chromium.launch({ ...options, args: [...options.args, "--hide-scrollbars"] });
  const open = async options => {
    const page = await browser.newPage({ reducedMotion: "reduce", ...options });
    await page.goto(url);
    return page;
  };
  const desktop = { viewport: { width: 820, height: 620 } };
  const phone = { viewport: { width: 360, height: 700 }, deviceScaleFactor: 1.5, isMobile: true, hasTouch: true };

  const page = await open(desktop);
  await ask(page, "/fail");   // so that the statistics do not include the start of the programs
  await waitForState(page, "failed");
  await page.click("#new");
  await page.mouse.move(0, 0);
  await ask(page, "A poem about rain");
  await waitForState(page, "done");
  await ask(page, "/truncate");
  await waitForState(page, "truncated");
  await save(page, "chat-truncated");
  await page.click("#new");
  await page.mouse.move(0, 0);
  await ask(page, "Write some code");
  await waitForState(page, "done");
  await ask(page, "A poem about rain");
  await waitForWords(page, 24);
  await save(page, "chat");

  const dark = await open({ ...desktop, colorScheme: "dark" });
  await ask(dark, "Write some code");
  await waitForState(dark, "done");
  await ask(dark, "/fail");
  await waitForState(dark, "failed");
  await save(dark, "chat-dark");

  const small = await open({ ...phone, colorScheme: "dark" });
  await ask(small, "A poem about rain");
  await waitForState(small, "done");
  await ask(small, "/truncate");
  await waitForState(small, "truncated");
  await save(small, "chat-phone-truncated");

  const light = await open(phone);
  await ask(light, "Write some code");
  await waitForState(light, "done");
  await save(light, "chat-phone");

  await record(await open({ viewport: { width: 700, height: 560 } }), "chat");
  await browser.close();
} finally {
  process.kill(-sample.pid);
}

async function getUrl() {
  for await (const line of createInterface(sample.stdout)) {
    const match = /Now listening on: (\S+)/.exec(line);
    if (match) return match[1];
  }
  throw new Error("The sample did not start.");
}

async function waitForWords(page, count) {
  await page.waitForFunction(
    least => document.querySelector(".response:last-child .text").textContent.split(/\s+/).length > least, count);
}

async function save(page, name) {
  await page.screenshot({ path: `${images}/${name}.png` });
}

// Keeps the state of the page at each change, with its time. Typing is not awaited: one key takes 60 ms.
async function record(page, name) {
  await page.evaluate(() => {
    window.states = [];
    const keep = () => states.push({
      time: performance.now(),
      html: document.body.innerHTML,
      prompt: document.getElementById("prompt").value,
      scrollTop: document.getElementById("scroller").scrollTop,
    });
    keep();
    document.addEventListener("input", keep);
    const changes = { attributes: true, childList: true, characterData: true, subtree: true };
    new MutationObserver(keep).observe(document.body, changes);
  });
  for (const [text, state] of [["Write some code", "done"], ["/truncate", "truncated"]]) {
    await page.locator("#prompt").pressSequentially(text, { delay: 60 });
    await page.waitForTimeout(300);
    await page.keyboard.press("Enter");
    await waitForState(page, state);
    await page.waitForTimeout(1200);
  }
  await draw(page, await page.evaluate(() => states), `${images}/${name}.gif`);
}

async function draw(page, states, path) {
  const frames = [];
  for (const [i, { time, html, prompt, scrollTop }] of states.entries()) {
    // Browsers show at most 50 frames of a GIF per second.
    const delay = (states[i + 1]?.time ?? time + 2500) - time;
    if (delay < 20) continue;
    await page.evaluate(state => {
      document.body.innerHTML = state.html;
      document.getElementById("prompt").value = state.prompt;
      document.getElementById("scroller").scrollTop = state.scrollTop;
    }, { html, prompt, scrollTop });
    frames.push({ ...pngjs.PNG.sync.read(await page.screenshot()), delay });
  }
  writeFileSync(path, encode(frames));
}

// A frame contains the pixels that differ from the previous frame. Color 0 is transparent.
function encode(frames) {
  const { GIFEncoder, quantize, applyPalette } = gifenc;
  const colors = Buffer.concat([frames[0].data, frames.at(-1).data]);
  const palette = [[0, 0, 0], ...quantize(colors, 255)];
  const gif = GIFEncoder();
  let previous;
  for (const { data, width, height, delay } of frames) {
    const pixels = applyPalette(data, palette.slice(1)).map(color => color + 1);
    if (previous === undefined) {
      gif.writeFrame(pixels, width, height, { palette, delay });
    } else {
      const changes = pixels.map((color, i) => color === previous[i] ? 0 : color);
      gif.writeFrame(changes, width, height, { delay, transparent: true, transparentIndex: 0, dispose: 1 });
    }
    previous = pixels;
  }
  gif.finish();
  return gif.bytes();
}
