#!/usr/bin/env python3
"""Creates cli.svg from a real run: `lambda-stream serve` and `invoke` in two panes of tmux, captured with their colors.

Requires tmux, node and lambda-stream on PATH, and the npm package that eng/install-interop.sh installs."""
import html, pathlib, re, subprocess, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
RIC = HERE.parent.parent / "tests" / "interop" / "node_modules"
COLUMNS, ROWS, CELL, LINE = 104, 15, 7.3, 17
COLORS = {"31": "#f47067", "32": "#57ab5a", "33": "#c69026", "90": "#768390", "91": "#f47067", "93": "#daaa3f"}
FUNCTION = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  for (const word of `Hello, ${event.name}: this response arrives word by word.`.split(' ')) {
    stream.write(word + ' ');
    await new Promise(resolve => setTimeout(resolve, 150));
  }
  stream.end('\\n');
});
"""


def tmux(*arguments):
    command = ["tmux", "-L", "lambda-stream-picture", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def wait(pane, text):
    for _ in range(300):
        if text in tmux("capture-pane", "-p", "-t", pane):
            return
        time.sleep(0.1)
    raise SystemExit(f"'{text}' did not appear within 30 s")


def lines(pane):
    rows = tmux("capture-pane", "-p", "-e", "-t", pane).rstrip("\n").split("\n")
    while rows and not re.sub(r"\x1b\[[\d;]*m", "", rows[-1]).strip(" $"):
        rows.pop()
    return rows


def spans(row, color):
    parts = []
    for part in re.split(r"(\x1b\[[\d;]*m)", row):
        if part.startswith("\x1b"):
            for code in part[2:-1].split(";"):
                color = COLORS.get(code, color if code == "1" else "#cdd9e5")
        elif part:
            parts.append(f'<tspan fill="{color}">{html.escape(part)}</tspan>')
    return "".join(parts), color


with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "chat.mjs").write_text(FUNCTION)
    pathlib.Path(folder, "node_modules").symlink_to(RIC)
    shell = ["env", "PS1=$ ", "AWS_EC2_METADATA_DISABLED=true", "bash", "--norc"]
    tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(2 * ROWS), "-c", folder, *shell)
    try:
        tmux("split-window", "-v", "-c", folder, *shell)
        tmux("send-keys", "-t", "0.0", "lambda-stream serve --function chat=node:./chat.mjs#handler", "Enter")
        wait("0.0", "serving chat")
        invoke = """lambda-stream invoke chat --local --stats --payload '{"name":"Ada"}'"""
        tmux("send-keys", "-t", "0.1", invoke, "Enter")
        wait("0.1", "total")
        wait("0.0", "<- chat")
        panes = [lines("0.0"), lines("0.1")]
    finally:
        tmux("kill-server")

width = round(COLUMNS * CELL) + 32
y, shapes = 12, []
for pane in panes:
    height = len(pane) * LINE + 22
    shapes.append(f'<rect x="8" y="{y}" width="{width - 16}" height="{height}" rx="6" fill="#1c2128"/>')
    color = "#cdd9e5"
    for number, row in enumerate(pane):
        text, color = spans(row, color)
        shapes.append(f'<text x="20" y="{y + 22 + number * LINE}" xml:space="preserve">{text}</text>')
    y += height + 10
(HERE / "cli.svg").write_text(
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 2}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12">\n'
    + "\n".join(shapes) + "\n</svg>\n")
