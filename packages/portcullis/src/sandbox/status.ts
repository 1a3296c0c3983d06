/** Reads what bwrap tells on `--json-status-fd`: the first process of the sandbox, and that the command ended by itself. */
import type { Readable } from 'node:stream'
import { LineCutter } from './lines.ts'

const MAX_STATUS_BYTES = 4096

export class SandboxStatus {
  /** Resolves with the host's process id of the sandbox's process 1, or undefined when bwrap ended before it made one. */
  readonly initPid: Promise<number | undefined>
  #ran = false

  constructor(stream: Readable) {
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    this.initPid = promise
    const lines = new LineCutter(MAX_STATUS_BYTES, (line) => {
      const status = JSON.parse(line.toString('utf8')) as {
        readonly 'child-pid'?: number
        readonly 'exit-code'?: number
      }
      if (status['child-pid'] !== undefined) resolve(status['child-pid'])
      if (status['exit-code'] !== undefined) this.#ran = true
    })
    stream.on('data', (chunk: Buffer) => {
      lines.push(chunk)
    })
    stream.on('close', () => resolve(undefined))
  }

  /** True once the command has run and ended. Without it, an exit means that the sandbox could not be built. */
  get ran(): boolean {
    return this.#ran
  }
}
