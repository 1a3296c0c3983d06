// How programs are started, pinned to a processor, awaited and ended.
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const READY_MS = 45_000
const running = new Set()

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** Starts `command`; output goes to `<scratch>/<name>.log`. `cpu` undefined means any processor. */
export function start({ name, command, env = {}, cwd }, { cpu, scratch }) {
  const [program, ...args] = cpu === undefined ? command : ['taskset', '-c', String(cpu), ...command]
  const log = openSync(join(scratch, `${name.replaceAll(/[^\w.-]+/g, '_')}.log`), 'a')
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', log, log], cwd })
  closeSync(log)
  running.add(child)
  child.on('exit', () => running.delete(child))
  return child
}

/** Ends a program and waits for it: SIGTERM, then SIGKILL after three seconds. */
export async function end(child) {
  if (!running.has(child)) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await gone
  clearTimeout(timer)
}

/** Whether something listens at `port` before the program ends or the time is up. */
export async function listens(child, port, patienceMs = READY_MS) {
  const until = Date.now() + patienceMs
  while (running.has(child) && Date.now() < until) {
    if (await connects(port)) return true
    await sleep(50)
  }
  return false
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

function connects(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    socket.on('close', () => socket.destroy())
    socket.on('connect', () => socket.destroy())
  })
}
