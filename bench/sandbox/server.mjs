// The tiny MCP server that every way starts: one static program, in a folder that every account may read.
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile } from '../lib/install.mjs'
import { BENCH } from '../lib/places.mjs'

const PROGRAM = 'tiny-stdio'
/** Bytes of the answer to a call around its text, the newline and an id of six digits included. */
const AROUND = '{"jsonrpc":"2.0","id":100000,"result":{"content":[{"type":"text","text":""}]}}\n'.length

/** `{ folder, program, remove }`. It costs about 6 µs a call, so what is measured is the way to it. */
export function placeServer() {
  compile('zero-stdio', PROGRAM, ['-static'])
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-sandbox-'))
  chmodSync(folder, 0o755)
  const program = join(folder, PROGRAM)
  copyFileSync(join(BENCH, 'bin', PROGRAM), program)
  chmodSync(program, 0o755)
  return { folder, program, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Arguments with which each answer to a call is a line of that many bytes. */
export const answering = (lineBytes) => [String(lineBytes - AROUND), '1']

const call = (id, text) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'echo', arguments: { text } } })

/** A call as a line of that many bytes, its newline included but not there yet; `number` has six digits. */
export function callLine(number, lineBytes) {
  const around = JSON.stringify(call(number, '')).length + 1
  return JSON.stringify(call(number, 'x'.repeat(lineBytes - around)))
}

export const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
})

export const isServer = (program) => program.endsWith(`/${PROGRAM}`)
