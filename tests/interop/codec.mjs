// Decodes the cases of conformance/eventstream with the codec of the AWS SDK for JavaScript, one message at a time,
// and prints the differences.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { readdirSync, readFileSync } from 'node:fs';

const require = createRequire(import.meta.url);
const { EventStreamCodec } = require('@smithy/core/event-streams');
const { version } = require('@smithy/core/package.json');
const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);
const cases = new URL('../TestData/conformance/eventstream/', import.meta.url);

function expand(rule) {
  if ('hex' in rule) return Buffer.from(rule.hex, 'hex');
  if ('utf8' in rule) return Buffer.from(rule.utf8, 'utf8');
  if ('concat' in rule) return Buffer.concat(rule.concat.map(expand));
  if ('repeat_hex' in rule) return Buffer.concat(Array(rule.count).fill(Buffer.from(rule.repeat_hex, 'hex')));
  const out = Buffer.alloc(rule.count);
  let x = BigInt(rule.lcg_seed);
  for (let i = 0; i < out.length; i++) {
    x = (x * 1103515245n + 12345n) & 0x7fffffffn;
    out[i] = Number(x >> 16n) & 0xff;
  }
  return out;
}

// The SDK splits the stream into messages by their first four bytes and decodes each with the codec.
function decode(wire) {
  const payloads = [];
  try {
    for (let at = 0; at < wire.length;) {
      if (wire.length - at < 4) return [payloads, 'no error'];
      const total = wire.readUInt32BE(at);
      if (total > wire.length - at) return [payloads, 'Truncated event message received.'];
      payloads.push(codec.decode(wire.subarray(at, at + Math.max(total, 1))).body);
      at += total;
    }
  } catch (error) {
    return [payloads, error.message];
  }
  return [payloads, 'no error'];
}

let agreed = 0;
let differs = 0;
for (const folder of ['valid', 'invalid']) {
  for (const file of readdirSync(new URL(folder, cases)).sort()) {
    const test = JSON.parse(readFileSync(new URL(`${folder}/${file}`, cases)));
    const [payloads, end] = decode(expand(test.wire));
    const messages = test.expect.messages ?? test.expect.messages_before_error;
    const wanted = messages.flatMap((message) => Array(message.times ?? 1).fill(message.payload.sha256));
    const fails = test.expect.result === 'error' && !test.expect.also_acceptable?.includes('accepts');
    const digests = payloads.map((payload) => createHash('sha256').update(payload).digest('hex'));
    const good = JSON.stringify(digests) === JSON.stringify(wanted) && (end !== 'no error') === fails;
    if (good) agreed++;
    else differs++;
    const expected = test.expect.error ?? 'no error';
    const outcome = `${payloads.length} of ${wanted.length} messages, ${end}`;
    if (!good) console.log(`${folder}/${file}: ${outcome}; expected ${expected}`);
  }
}
console.log(`@smithy/core ${version}, event-streams: ${agreed} cases agree, ${differs} differ`);
