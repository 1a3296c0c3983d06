// A child process with lines in and lines out, in the cheapest way that Node has: what every way but ours is used through.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const NEWLINE = 10
const MAX_ERROR_BYTES = 2_000
const PATIENCE_MS = 3_000

/** Starts it; `mark` is a text in the command lines of processes that do not descend from it. */
export function startLines([program, ...args], { env = {}, shell = false, mark } = {}) {
  const child = spawn(program, args, { env, shell, cwd: '/', detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = Promise.race([once(child, 'close'), once(child, 'error')])
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-MAX_ERROR_BYTES)
  })
  for (const stream of child.stdio) stream.on('error', () => {})
  return {
    pid: child.pid,
    mark,
    send: (line) => child.stdin.write(`${line}\n`),
    onLine: (listener) => void child.stdout.on('data', cutter(listener)),
    onEnd: (listener) => void exited.then(() => listener(errors.trim())),
    async close() {
      child.stdin.end()
      const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
      await exited
      clearTimeout(late)
    },
  }
}

function cutter(onLine) {
  let parts = []
  return (chunk) => {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const rest = chunk.subarray(start, end)
      onLine(parts.length === 0 ? rest : Buffer.concat([...parts, rest]))
      parts = []
      start = end + 1
    }
    if (start < chunk.length) parts.push(chunk.subarray(start))
  }
}
