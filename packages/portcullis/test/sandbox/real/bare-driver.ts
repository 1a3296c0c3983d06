/** No walls at all: a plain child with the environment and an open descriptor of this process, to prove that attacks can succeed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { ExitReport, SandboxDriver, SandboxedProcess } from '../../../src/sandbox/driver.ts'

export const NO_PROMISES = { memory: 'none', processes: 'none', cpu: 'none', disk: 'none', network: [] } as const

export const bareDriver: SandboxDriver = {
  name: 'none',
  probe: async () => ({ ok: true, version: 'bare', enforces: NO_PROMISES }),
  async launch({ command, args, env }): Promise<SandboxedProcess> {
    const leaked = openSync('/etc/passwd', 'r')
    const child = spawn(command, [...args], {
      env: { ...process.env, ...(env as Readonly<Record<string, string>>) },
      stdio: ['pipe', 'pipe', 'ignore', leaked],
      detached: true,
    })
    const { stdin, stdout } = child as typeof child & { readonly stdin: Writable; readonly stdout: Readable }
    closeSync(leaked)
    const exited = once(child, 'close').then(([code, signal]): ExitReport => {
      return { code, signal, reason: 'exited', stderrTail: '' }
    })
    const stop = () => {
      stdin.end()
      return exited
    }
    return {
      pid: child.pid as number,
      send: (line) => stdin.write(`${line.toString('utf8')}\n`),
      onDrain: (listener) => void stdin.on('drain', listener),
      onLine: (listener) => void createInterface({ input: stdout }).on('line', (line) => listener(Buffer.from(line))),
      pause: () => {},
      resume: () => {},
      onStderr: () => {},
      exited,
      stop,
      flush: async () => {},
      usage: async () => ({ outputBytes: 0, sentBytes: 0, receivedBytes: 0 }),
      kill: () => void child.kill('SIGKILL'),
    }
  },
}
