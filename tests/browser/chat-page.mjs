// What the scripts do with the chat page of samples/ChatWeb. It never sleeps: each wait is for a change of the page.

export const report = (step, observations) => console.log(JSON.stringify({ step, ...observations }));

export const launchOptions = executablePath => ({
  executablePath,
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"],
});

export const lastText = page => page.evaluate(
  () => [...document.querySelectorAll(".response .text")].at(-1)?.textContent ?? "");

export const waitForState = (page, state) => page.waitForFunction(
  wanted => [...document.querySelectorAll(".response")].at(-1)?.dataset.state === wanted, state);

export async function ask(page, text) {
  await page.fill("#prompt", text);
  await page.keyboard.press("Enter");
}

// Waits until the text has become longer the given number of times. Returns the lengths.
export async function waitForGrowth(page, times) {
  const lengths = [];
  for (let length = 0; lengths.length < times; lengths.push(length)) {
    await page.waitForFunction(
      before => ([...document.querySelectorAll(".response .text")].at(-1)?.textContent.length ?? 0) > before,
      length);
    length = (await lastText(page)).length;
  }
  return lengths;
}
