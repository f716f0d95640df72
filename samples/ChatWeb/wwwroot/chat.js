// Asks /chat and shows the answer while it comes. Text is only ever set as text, never as HTML.
const element = id => document.getElementById(id);
const scroller = element("scroller"), talk = element("talk"), form = element("composer"), prompt = element("prompt"), send = element("send"), stop = element("stop"), status = element("status");

let running = null;   // the AbortController of the answer that is being written

form.addEventListener("submit", event => {
  event.preventDefault();
  ask(prompt.value);
});

prompt.addEventListener("keydown", event => {
  // An Enter that ends a composition (Japanese, Chinese, …) is not meant for us.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

prompt.addEventListener("input", showButtons);
stop.addEventListener("click", () => running?.abort());
document.addEventListener("keydown", event => {
  if (event.key === "Escape") running?.abort();
});
document.addEventListener("click", event => {
  const example = event.target.closest("[data-prompt]");
  if (example) ask(example.dataset.prompt);
});

showButtons();

async function ask(text) {
  text = text.trim();
  if (running || text === "") return;

  running = new AbortController();
  element("welcome").hidden = true;
  prompt.value = "";
  showButtons();
  prompt.focus();
  add("question").querySelector(".text").textContent = text;
  const answer = new Answer(add("answer"), text);
  scroller.scrollTop = scroller.scrollHeight;
  status.textContent = "The function is answering.";

  try {
    const response = await fetch("chat", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: text }),
      signal: running.signal,
    });
    if (!response.ok) {
      answer.fail("There is no answer.", await reasonOf(response));
    } else {
      // A body that was cut makes the reading fail; only a whole one ends the loop.
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece; !(piece = await reader.read()).done;) answer.append(piece.value);
      answer.end("done", "Whole answer");
    }
  } catch {
    if (running.signal.aborted) answer.end("stopped", "Stopped by you");
    else if (answer.words === 0) answer.fail("There is no answer.", "The connection broke before the first word.");
    else answer.cut();
  } finally {
    running = null;
    showButtons();
  }
}

class Answer {
  constructor(item, question) {
    this.item = item;
    this.started = performance.now();
    this.text = item.querySelector(".text").appendChild(document.createTextNode(""));
    this.words = 0;
    this.inWord = false;
    item.querySelector(".again").addEventListener("click", event => {
      if (running) return;
      event.currentTarget.disabled = true;
      ask(question);
    });
  }

  append(piece) {
    const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
    this.text.appendData(piece);
    for (const character of piece) {
      const isSpace = /\s/.test(character);
      if (!isSpace && !this.inWord) this.words++;
      this.inWord = !isSpace;
    }
    if (this.words > 0 && this.firstWord === undefined) {
      this.firstWord = performance.now() - this.started;
      this.item.dataset.state = "writing";
    }
    this.last = performance.now() - this.started;
    this.measure();
    if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  measure() {
    if (this.firstWord === undefined) return;
    const seconds = (this.last - this.firstWord) / 1000;
    this.show(".first", `First word after ${Math.round(this.firstWord)} ms`);
    this.show(".speed", this.words > 2 && seconds > 0 ? `${((this.words - 1) / seconds).toFixed(1)} words a second` : "");
    this.show(".count", `${this.words} ${this.words === 1 ? "word" : "words"}`);
  }

  end(state, words) {
    this.item.dataset.state = state;
    this.item.setAttribute("aria-busy", "false");
    this.show(".state", words);
    status.textContent = `${words}, ${this.words} words.`;
  }

  cut() {
    this.end("cut", "Cut");
    this.warn("This answer was cut here.", "What you see came as it was written; the rest never came.");
  }

  fail(what, why) {
    this.end("failed", "No answer");
    this.warn(what, why);
  }

  warn(what, why) {
    this.show(".banner strong", what);
    this.show(".banner span", why);
    this.item.querySelector(".banner").hidden = false;
    scroller.scrollTop = scroller.scrollHeight;
  }

  show(selector, text) {
    this.item.querySelector(selector).textContent = text;
  }
}

// What the server says of a failure (RFC 9457), or what its status says.
async function reasonOf(response) {
  const wait = response.headers.get("retry-after");
  const suffix = wait ? ` It asks to wait ${wait} s.` : "";
  try {
    return ((await response.json()).detail ?? `Status ${response.status}.`) + suffix;
  } catch {
    return `Status ${response.status}.` + suffix;
  }
}

function add(template) {
  const item = element(template).content.firstElementChild.cloneNode(true);
  talk.append(item);
  return item;
}

function showButtons() {
  const focusedStop = document.activeElement === stop;
  send.hidden = running !== null;
  stop.hidden = running === null;
  send.disabled = prompt.value.trim() === "";
  if (focusedStop && stop.hidden) prompt.focus();
}
