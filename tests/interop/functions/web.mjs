// An HTTP function written with hono, for the official Node.js runtime interface client.
import { existsSync } from 'node:fs';
import { Hono } from 'hono';
import { streamHandle } from 'hono/aws-lambda';
import { streamText } from 'hono/streaming';

const app = new Hono();

// Sends the second part only after the caller has created the file.
app.get('/parts', context => streamText(context, async stream => {
  await stream.write('one ');
  while (!existsSync(context.req.query('file'))) await stream.sleep(10);
  await stream.write('two');
}));

app.post('/echo', async context => {
  context.header('x-request', context.req.header('x-request'));
  context.header('set-cookie', 'a=1');
  return context.json({ body: await context.req.text(), query: context.req.query('q') }, 201);
});

export const handler = streamHandle(app);
