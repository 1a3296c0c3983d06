/** Tells commands on this host where the gateway of a state folder listens. It holds no secret. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import { writeWhole } from '../pki/private-file.ts'

export interface RunningNote {
  /** Origin by which clients reach the gateway. */
  readonly url: string
  /** Where it listens on this host. */
  readonly port: number
}

const noteFile = (state: string): string => join(state, 'gateway.json')

/** Written by the gateway once it listens. Returns a function that takes the note away. */
export function leaveNote({ state }: Pick<Config, 'state'>, note: RunningNote): () => void {
  const text = JSON.stringify(note)
  writeWhole(noteFile(state), `${text}\n`, 0o600)
  return () => {
    if (readText(state)?.trim() === text) rmSync(noteFile(state), { force: true })
  }
}

/** Undefined when there is none. A gateway that was killed leaves one behind, so it proves nothing. */
export function readNote({ state }: Pick<Config, 'state'>): RunningNote | undefined {
  try {
    const { url, port } = JSON.parse(readText(state) ?? '') as Partial<RunningNote>
    return typeof url === 'string' && typeof port === 'number' ? { url, port } : undefined
  } catch {
    return undefined
  }
}

function readText(state: string): string | undefined {
  try {
    return readFileSync(noteFile(state), 'utf8')
  } catch {
    return undefined
  }
}
