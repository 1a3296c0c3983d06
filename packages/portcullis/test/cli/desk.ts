/** Runs command lines in this process, with a folder of their own and everything that they say kept. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { runCommand } from '../../src/cli/main.ts'

export const NOW = Date.parse('2026-06-01T00:00:00Z')

export interface Ran {
  readonly status: number
  readonly out: readonly string[]
  readonly err: readonly string[]
}

export interface Desk {
  readonly folder: string
  /** Runs one command line; `--config` is added where the folder has one. */
  run(...args: readonly string[]): Promise<Ran>
}

export function desk(context: TestContext, config?: string): Desk {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-cli-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'portcullis.yaml')
  if (config !== undefined) {
    mkdirSync(join(folder, 'policies'))
    writeFileSync(join(folder, 'policies', 'access.cedar'), 'permit (principal in Role::"admin", action, resource);\n')
    writeFileSync(file, config)
  }
  return {
    folder,
    async run(...args) {
      const out: string[] = []
      const err: string[] = []
      const status = await runCommand(args, {
        out: (line) => out.push(line),
        err: (line) => err.push(line),
        environment: { PORTCULLIS_CONFIG: file },
        clock: { now: () => NOW },
        interrupted: new AbortController().signal,
      })
      return { status, out, err }
    },
  }
}
