// A streaming function for Bun or Node.js without AWS's runtime interface client: a handler and its runtime.
import fs from 'node:fs';
import http from 'node:http';

async function handler(event, write) {
  for (const word of ['hello', ' ', event.name ?? 'world']) {
    write(word);
    // A test creates this file when it has received the first word.
    while (event.gate && !fs.existsSync(event.gate)) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  if (event.fail) throw new RangeError('no more words');
}

const root = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/`;

async function respond(id, event) {
  const request = http.request(`${root}${id}/response`, {
    method: 'POST',
    headers: {
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked',
      Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
    },
  });
  const replied = new Promise((resolve, reject) => {
    request.on('response', (reply) => reply.resume().on('end', resolve)).on('error', reject);
  });
  try {
    await handler(event, (text) => request.write(text));
  } catch (error) {
    const body = JSON.stringify({ errorType: error.name, errorMessage: error.message });
    request.addTrailers({
      'Lambda-Runtime-Function-Error-Type': error.name,
      'Lambda-Runtime-Function-Error-Body': Buffer.from(body).toString('base64'),
    });
  }
  request.end();
  await replied;
}

for (;;) {
  const next = await fetch(`${root}next`);
  await respond(next.headers.get('lambda-runtime-aws-request-id'), await next.json());
}
