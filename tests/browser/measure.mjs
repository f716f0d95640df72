// Measures how Chromium treats the end of a response: docs/internals/browsers.md.
// 1. Which error a client shows if an error event is followed by the end of an incomplete response after a delay.
// 2. How often Chromium sends a POST if the connection is closed before the response headers.
// usage: node measure.mjs [CHROMIUM]
import { chromium } from "playwright-core";
import { build } from "esbuild";
import { createServer } from "node:http";

const RESPONSES = 24;
const clients = {
  useChat: [
    [
      '{"type":"start","messageId":"m1"}',
      '{"type":"text-start","id":"t1"}',
      '{"type":"text-delta","id":"t1","delta":"Hel"}',
    ],
    'data: {"type":"error","errorText":"reported"}\n\n',
  ],
  runAgent: [
    [
      '{"type":"RUN_STARTED","threadId":"1","runId":"1"}',
      '{"type":"TEXT_MESSAGE_START","messageId":"m1","role":"assistant"}',
      '{"type":"TEXT_MESSAGE_CONTENT","messageId":"m1","delta":"Hel"}',
    ],
    'data: {"type":"RUN_ERROR","message":"reported"}\n\n',
  ],
  EventSource: [["Hel"], 'event: error\ndata: {"detail":"reported"}\n\n'],
};

const bundle = await build({
  entryPoints: ["clients.jsx"],
  bundle: true,
  minify: true,
  write: false,
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"' },
});

let posts = 0;
const server = createServer((request, response) => {
  const [, client, end, delay] = request.url.split("/");
  if (client === "page") {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><body><script src=/script></script>");
  } else if (client === "script") {
    response.end(bundle.outputFiles[0].contents);
  } else if (client === "close") {
    posts++;
    setTimeout(() => request.socket.destroy(), 300);
  } else if (clients[client]) {
    const [data, error] = clients[client];
    response.setHeader("content-type", "text/event-stream");
    response.write(data.map(line => `data: ${line}\n\n`).join(""));
    setTimeout(() => {
      response.write(error);
      setTimeout(() => end === "close" ? response.socket.end() : response.socket.resetAndDestroy(), Number(delay));
    }, 100);
  } else {
    response.end();
  }
});
await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/`;
const browser = await chromium.launch({
  executablePath: process.argv[2] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"],
});
console.log(browser.version());
for (const client of Object.keys(clients)) {
  for (const end of ["close", "reset"]) {
    for (const delay of [0, 5, 50, 200, 500]) console.log(client, end, `${delay} ms`, await count(client, end, delay));
  }
}

const page = await browser.newPage();
for (let i = 0; i < 5; i++) {
  await page.goto(`${url}page`);
  posts = 0;
  const result = await page.evaluate(() => fetch("/close", { method: "POST" }).then(r => r.status, e => e.message));
  console.log(`closed before the headers: ${result}, sent ${posts} times`);
}
await browser.close();
server.close();

// Returns how many responses show the reported error.
async function count(client, end, delay) {
  const page = await browser.newPage();
  const ids = Array.from({ length: RESPONSES }, (_, i) => `r${i}`);
  await page.goto(`${url}page#${JSON.stringify(ids.map(id => [id, client, `/${client}/${end}/${delay}/${id}`]))}`);
  await page.waitForFunction(n => document.querySelectorAll("[role=alert]").length === n, RESPONSES);
  const errors = await page.getByRole("alert").allTextContents();
  await page.close();
  return `${errors.filter(error => error === "reported").length} of ${RESPONSES}`;
}
