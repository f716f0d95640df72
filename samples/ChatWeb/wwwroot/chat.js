// Sends a prompt to /chat and shows the response as it arrives. Text is only ever set as text, never as HTML.
const element = id => document.getElementById(id);
const scroller = element("scroller");
const talk = element("talk");
const form = element("composer");
const prompt = element("prompt");
const send = element("send");
const stop = element("stop");
const newChat = element("new");
const status = element("status");

let running = null;   // the AbortController of the current request

form.addEventListener("submit", event => {
  event.preventDefault();
  ask(prompt.value);
});

prompt.addEventListener("keydown", event => {
  // An Enter that ends a composition (Japanese or Chinese input, for example) must not send the message.
  if (event.key === "Enter" && !event.shiftKey && !isComposing(event)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

prompt.addEventListener("input", showButtons);
stop.addEventListener("click", () => running?.abort());
newChat.addEventListener("click", () => {
  running?.abort();
  talk.replaceChildren();
  showButtons();
  prompt.focus();
});
document.addEventListener("keydown", event => {
  if (event.key === "Escape" && !isComposing(event)) running?.abort();
});
document.addEventListener("click", event => {
  const example = event.target.closest("[data-prompt]");
  if (example) ask(example.dataset.prompt);
});

showButtons();

async function ask(text) {
  text = text.trim();
  if (running || text === "") return;

  const request = running = new AbortController();
  prompt.value = "";
  prompt.focus();
  add("question", talk).querySelector(".text").textContent = text;
  const view = new ResponseView(add("response", talk), text);
  showButtons();
  scroller.scrollTop = scroller.scrollHeight;
  status.textContent = "The function is responding.";

  try {
    const response = await fetch("chat", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: text }),
      signal: request.signal,
    });
    if (!response.ok) {
      view.fail("No response.", await getReason(response));
    } else {
      // If the response is truncated, read() rejects. The loop ends normally only after a complete response.
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let chunk; !(chunk = await reader.read()).done;) view.append(chunk.value);
      view.end("done", "Complete");
    }
  } catch {
    if (request.signal.aborted) view.end("stopped", "Stopped");
    else if (view.words === 0) view.fail("No response.", "The connection to the server failed.");
    else view.truncate();
  } finally {
    running = null;
    showButtons();
  }
}

// Safari ends a composition before its last keydown, which then has only the key code.
// Source: WebKit bug 165004.
function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

class ResponseView {
  constructor(item, question) {
    this.item = item;
    this.started = performance.now();
    this.source = "";
    this.words = 0;
    this.inWord = false;
    this.startBlock("p");
    item.querySelector(".again").addEventListener("click", event => {
      if (running) return;
      event.currentTarget.disabled = true;
      ask(question);
    });
  }

  append(text) {
    const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
    this.source += text;
    this.showText(text);
    for (const character of text) {
      const isSpace = /\s/.test(character);
      if (!isSpace && !this.inWord) this.words++;
      this.inWord = !isSpace;
    }
    if (this.words > 0 && this.firstWord === undefined) {
      this.firstWord = performance.now() - this.started;
      this.item.dataset.state = "writing";
    }
    this.last = performance.now() - this.started;
    this.showMeter();
    if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  // A line that begins with ``` begins or ends a block of code.
  showText(text) {
    this.blockText += text;
    for (let fence; (fence = /(?<![^\n])```(.*)\n/.exec(this.blockText));) {
      const rest = this.blockText.slice(fence.index + fence[0].length);
      this.block.textContent = trimEmptyLines(this.blockText.slice(0, fence.index));
      this.startBlock(this.block.tagName === "CODE" ? "p" : "code", fence[1]);
      this.blockText = rest;
    }
    this.block.textContent = trimEmptyLines(this.blockText);
  }

  startBlock(kind, language) {
    const text = this.item.querySelector(".text");
    if (this.block?.textContent === "") this.block.remove();
    this.blockText = "";
    if (kind === "p") {
      this.block = text.appendChild(document.createElement("p"));
    } else {
      const listing = add("code", text);
      const code = this.block = listing.querySelector("code");
      listing.querySelector("figcaption span").textContent = language;
      addCopyButton(listing.querySelector("figcaption"), () => code.textContent);
    }
  }

  showMeter() {
    if (this.firstWord === undefined) return;
    const seconds = (this.last - this.firstWord) / 1000;
    const hasSpeed = this.words > 2 && seconds > 0;
    this.show(".first", `First word after ${Math.round(this.firstWord)} ms`);
    this.show(".speed", hasSpeed ? `${((this.words - 1) / seconds).toFixed(1)} words per second` : "");
    this.show(".count", `${this.words} ${this.words === 1 ? "word" : "words"}`);
  }

  end(state, label) {
    this.item.dataset.state = state;
    this.item.setAttribute("aria-busy", "false");
    if (this.words > 0) addCopyButton(this.item.querySelector(".meter"), () => this.source);
    this.show(".state", label);
    status.textContent = `${label}, ${this.words} words.`;
  }

  truncate() {
    this.end("truncated", "Incomplete");
    this.warn("Response incomplete.", "The connection was lost; the text above is incomplete.");
  }

  fail(message, reason) {
    this.end("failed", "Failed");
    this.warn(message, reason);
  }

  warn(message, reason) {
    this.show(".banner strong", message);
    this.show(".banner span", reason);
    this.item.querySelector(".banner").hidden = false;
    scroller.scrollTop = scroller.scrollHeight;
  }

  show(selector, text) {
    this.item.querySelector(selector).textContent = text;
  }
}

function trimEmptyLines(text) {
  return text.replace(/^\n+|\s+$/g, "");
}

// Returns the detail of the ProblemDetails response (RFC 9457), or the status.
async function getReason(response) {
  const delay = response.headers.get("retry-after");
  if (response.status === 503) return `The function is busy; try again ${delay ? `in ${delay} s` : "later"}.`;
  const problem = await response.json().catch(() => ({}));
  return problem.detail ?? `The server responded with status ${response.status}.`;
}

function add(template, parent) {
  return parent.appendChild(element(template).content.firstElementChild.cloneNode(true));
}

function addCopyButton(parent, getText) {
  if (!navigator.clipboard) return;   // the page is not served over HTTPS or from this machine
  const button = add("copy", parent);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(getText());
    button.dataset.copied = "";
    status.textContent = "Copied.";
    setTimeout(() => delete button.dataset.copied, 2000);
  });
}

function showButtons() {
  const isStopFocused = document.activeElement === stop;
  newChat.hidden = talk.childElementCount === 0;
  element("welcome").hidden = !newChat.hidden;
  send.hidden = running !== null;
  stop.hidden = running === null;
  send.disabled = prompt.value.trim() === "";
  if (isStopFocused && stop.hidden) prompt.focus();
}
