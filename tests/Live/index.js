// The functions of the live check. `awslambda` is a global of Lambda's Node.js runtime.
const { setTimeout } = require('node:timers/promises');

const actions = {
  async stream(out) {
    out.setContentType('text/plain');
    console.log('a line of the log');
    for (const word of ['Hello ', 'from ', 'the ', 'probe']) {
      out.write(word);
      await setTimeout(100);
    }
  },
  async http(out) {
    const headers = { 'x-probe': 'yes', 'content-type': 'text/plain' };
    const body = awslambda.HttpResponseStream.from(out, { statusCode: 201, headers, cookies: ['a=b'] });
    body.write('created');
    await setTimeout(100);
    return body;
  },
  async idle(out) {
    out.write('before');
    await setTimeout(10_000);
    out.write('after');
  },
  async large(out) {
    const part = Buffer.alloc(64 * 1024, 'x');
    for (let i = 0; i < 128; i++) {
      if (!out.write(part)) await new Promise((resolve) => out.once('drain', resolve));
    }
  },
  async environment(out) {
    const names = ['TZ', 'LANG', 'AWS_EXECUTION_ENV', 'AWS_LAMBDA_INITIALIZATION_TYPE'];
    out.write(JSON.stringify(Object.fromEntries(names.map((name) => [name, process.env[name] ?? 'not set']))));
  },
  async fail(out) {
    out.write('partial');
    await setTimeout(100);
    throw new RangeError('This failure is intended.');
  },
  async failFirst() {
    throw new RangeError('This failure is intended.');
  },
  async exit(out) {
    out.write('partial');
    await setTimeout(100);
    process.exit(7);
  },
  async exitFirst() {
    process.exit(7);
  },
  async timeout(out) {
    out.write('partial');
    await setTimeout(60_000);
  },
};

exports.probe = awslambda.streamifyResponse(async (event, out) => {
  const body = (await actions[event.action](out)) ?? out;
  body.end();
});

exports.buffered = async () => ({ hello: 'world' });
