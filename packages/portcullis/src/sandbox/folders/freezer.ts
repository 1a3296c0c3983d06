/** Holds all processes of a control group still, so that what they wrote can be counted before they write more. */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Version 2 freezes by `cgroup.freeze`, version 1 by `freezer.state`. */
export interface Freezer {
  readonly version: 1 | 2
  /** The group's directory in the hierarchy that freezes. */
  readonly directory: string
}

const WORDS = {
  1: { file: 'freezer.state', freeze: 'FROZEN', thaw: 'THAWED', stateFile: 'freezer.state', frozen: /^FROZEN$/m },
  2: { file: 'cgroup.freeze', freeze: '1', thaw: '0', stateFile: 'cgroup.events', frozen: /^frozen 1$/m },
} as const

const TRIES = 40

/** Resolves with true when everything stands still, with false when it does not come to that, or the group is gone. */
export async function freeze({ version, directory }: Freezer): Promise<boolean> {
  const words = WORDS[version]
  try {
    writeFileSync(`${directory}/${words.file}`, words.freeze)
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (words.frozen.test(readFileSync(`${directory}/${words.stateFile}`, 'utf8'))) return true
      await sleep(1)
    }
  } catch {
    // The last process has ended.
  }
  return false
}

/** Never throws. In version 1 a frozen process that was killed dies only now. */
export function thaw({ version, directory }: Freezer): void {
  try {
    writeFileSync(`${directory}/${WORDS[version].file}`, WORDS[version].thaw)
  } catch {
    // The group is gone.
  }
}
