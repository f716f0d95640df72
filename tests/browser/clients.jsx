// The page of clients.mjs: shows responses with the clients that web applications use, each as its documentation says.
import { HttpAgent } from "@ag-ui/client";
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

// What a user sees of one response. State: running, complete, stopped, error or reconnecting.
function Response({ state, text, error, onStop }) {
  const [states] = useState([]);
  if (states.at(-1) !== state) states.push(state);
  return (
    <section data-state={state} data-states={states.join(" ")}>
      <p>{text}</p>
      <button onClick={onStop}>Stop</button>
      {state === "error" && <p role="alert">{error}</p>}
    </section>
  );
}

function UseChat({ url }) {
  const [end, setEnd] = useState({});
  const chat = useChat({ transport: new DefaultChatTransport({ api: url }), onFinish: setEnd });
  useEffect(() => { chat.sendMessage({ text: "Hi" }); }, []);
  const text = chat.messages.filter(message => message.role === "assistant")
    .flatMap(message => message.parts).map(part => part.text ?? "").join("");
  const readyState = end.isAbort ? "stopped" : end.message ? "complete" : "running";
  const state = { ready: readyState, error: "error" }[chat.status] ?? "running";
  return <Response state={state} text={text} error={chat.error?.message} onStop={chat.stop} />;
}

// Starts a client that is not a hook: start(url, update) returns what stops it.
function Other({ start, url }) {
  const [view, setView] = useState({ state: "running", text: "" });
  const [stop, setStop] = useState();
  useEffect(() => {
    const stopClient = start(url, change => setView(
      before => ["stopped", "error"].includes(before.state) ? before : { ...before, ...change }));
    setStop(() => () => {
      setView(before => ({ ...before, state: "stopped" }));
      stopClient();
    });
  }, []);
  return <Response {...view} onStop={stop} />;
}

function startAgent(url, update) {
  const agent = new HttpAgent({ url, initialMessages: [{ id: "1", role: "user", content: "Hi" }] });
  agent.runAgent({}, {
    onMessagesChanged: ({ messages }) => update({ text: messages.slice(1).map(message => message.content).join("") }),
    // Without this, RUN_ERROR would look like the normal end: runAgent resolves after it.
    onRunErrorEvent: ({ event }) => update({ state: "error", error: event.message }),
  }).then(
    () => update({ state: "complete" }),
    exception => update({ state: "error", error: exception.message }));
  return () => agent.abortRun();
}

// Without close(), an EventSource would reconnect a few seconds after each end, and the function would run again.
function startEventSource(url, update) {
  const source = new EventSource(url);
  let text = "";
  source.addEventListener("message", event => update({ text: text += event.data }));
  source.addEventListener("done", () => {
    source.close();
    update({ state: "complete" });
  });
  // An event named "error" has data. Otherwise the connection has failed, and the browser does not say how.
  source.addEventListener("error", event => {
    source.close();
    update({ state: "error", error: event.data ? JSON.parse(event.data).detail : "The connection was lost." });
  });
  return () => source.close();
}

// Leaves reconnecting to the browser, and begins again when the next connection is open.
function startReconnectingEventSource(url, update) {
  const source = new EventSource(url);
  let text = "";
  source.addEventListener("open", () => update({ state: "running", text: text = "" }));
  source.addEventListener("message", event => update({ text: text += event.data }));
  source.addEventListener("done", () => {
    source.close();
    update({ state: "complete" });
  });
  source.addEventListener("error", () => update({ state: "reconnecting" }));
  return () => source.close();
}

function startFetch(url, update) {
  const controller = new AbortController();
  const run = async () => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      signal: controller.signal,
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    const isEventStream = response.headers.get("content-type").startsWith("text/event-stream");
    let body = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      body += chunk;
      update({ text: isEventStream ? [...body.matchAll(/^data: (.*)/gm)].map(match => match[1]).join("") : body });
    }
    update({ state: "complete" });
  };
  run().catch(exception => update({ state: "error", error: exception.message }));
  return () => controller.abort();
}

const clients = {
  "useChat": url => <UseChat url={url} />,
  "runAgent": url => <Other start={startAgent} url={url} />,
  "EventSource": url => <Other start={startEventSource} url={url} />,
  "ReconnectingEventSource": url => <Other start={startReconnectingEventSource} url={url} />,
  "fetch": url => <Other start={startFetch} url={url} />,
};

// Loading clients.html#[["id","client","path"],…] shows these responses.
for (const [id, client, path] of JSON.parse(decodeURIComponent(location.hash.slice(1)))) {
  const root = document.body.appendChild(document.createElement("main"));
  root.id = id;
  createRoot(root).render(clients[client](path));
}
