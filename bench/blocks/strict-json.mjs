// Prints what one strict parse costs beside the engine's own, on the same bytes: `node bench/blocks/strict-json.mjs`.
import { parseStrict } from '../../packages/portcullis/src/inspection/strict-json.ts'

const limits = { maxDepth: 64, maxMembers: 1_000_000 }
const prose = 'The quick brown fox jumps over the lazy dog. '
const code = 'if (name === "fox") {\n\treturn jump(over)\n}\n'

const text = (bytes, piece) => piece.repeat(Math.ceil(bytes / piece.length)).slice(0, bytes)
const row = (i) => ({
  id: i,
  name: `user ${i}`,
  email: `u${i}@example.com`,
  active: i % 2 === 0,
  score: i * 1.5,
  tags: ['a', 'b'],
})
const rows = (bytes) => Array.from({ length: Math.ceil(bytes / 100) }, (_, i) => row(i))
const call = (args) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'echo', arguments: args, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
})

const DOCUMENTS = {
  'small call': call({ path: '/a' }),
  '1 KB text': call({ text: text(900, prose) }),
  '1 KB rows': call({ rows: rows(900) }),
  '1 KB code (escapes)': call({ text: text(800, code) }),
  '1 KB text, not ASCII': call({ text: text(800, `${prose}Ünïcödé 漢字. `) }),
  '10 KB text': call({ text: text(10_000, prose) }),
  '10 KB rows': call({ rows: rows(10_000) }),
  '100 KB text': call({ text: text(100_000, prose) }),
  '100 KB code (escapes)': call({ text: text(90_000, code) }),
  '100 KB text, not ASCII': call({ text: text(90_000, `${prose}Ünïcödé 漢字. `) }),
  '100 KB rows': call({ rows: rows(100_000) }),
}

const native = (bytes) => JSON.parse(bytes.toString('utf8'))
const strict = (bytes) => parseStrict(bytes, limits)
let sink

function microseconds(parse, bytes, times) {
  const start = performance.now()
  for (let i = 0; i < times; i++) sink = parse(bytes)
  return ((performance.now() - start) * 1000) / times
}

const median = (figures) => figures.sort((a, b) => a - b)[Math.floor(figures.length / 2)]

// Every shape is warm before the first figure: in a gateway one parser sees all of them.
const documents = Object.entries(DOCUMENTS).map(([name, value]) => ({
  name,
  bytes: Buffer.from(JSON.stringify(value)),
  native: [],
  strict: [],
}))
for (let round = 0; round < 12; round++) {
  for (const document of documents) {
    const times = Math.ceil(2_000_000 / (document.bytes.length + 300))
    const pair = {
      native: microseconds(native, document.bytes, times),
      strict: microseconds(strict, document.bytes, times),
    }
    if (round > 2) for (const side of ['native', 'strict']) document[side].push(pair[side])
  }
}

console.log('document                  bytes    JSON.parse µs   strict µs   ratio')
for (const document of documents) {
  const [a, b] = [median(document.native), median(document.strict)]
  console.log(
    document.name.padEnd(24),
    String(document.bytes.length).padStart(6),
    a.toFixed(2).padStart(16),
    b.toFixed(2).padStart(11),
    (b / a).toFixed(2).padStart(7),
  )
}
if (sink === undefined) process.exitCode = 1
