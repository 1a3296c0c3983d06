/** A witness that is a file, on another volume or another host's share: lines are only ever added. */
import { statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { AppendFile, OpenAppendFile } from '../append-file.ts'
import type { SignedStatement } from '../checkpoint.ts'
import { lineOf } from './statement.ts'
import type { Witness } from './witness.ts'

/** It has no use where whoever can write the chain, or loses it, has the witness too. */
export class WitnessError extends Error {
  override readonly name = 'WitnessError'
}

/** Throws WitnessError when both lie on one device. `what` names the setting by which that is allowed all the same. */
export function mustLieApart(path: string, chains: string, what: string): void {
  if (deviceOf(path) !== deviceOf(chains)) return
  const wrong = `the witness ${path} is on the same device as the chains in ${chains}`
  throw new WitnessError(`${wrong}; choose another volume, or say ${what}: allowed`)
}

/** Of the nearest folder that is there already. */
function deviceOf(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined && dirname(path) !== path ? deviceOf(dirname(path)) : (found?.dev ?? -1)
}

export interface FileWitnessOptions {
  readonly path: string
  readonly openFile: OpenAppendFile
  /** Turns statements into lines, such as with a time stamp each. */
  readonly linesOf?: (statements: readonly SignedStatement[], signal: AbortSignal) => Promise<readonly string[]>
}

export function fileWitness({ path, openFile, linesOf }: FileWitnessOptions, kind = 'file'): Witness {
  let file: AppendFile | undefined
  const write = async (lines: readonly string[]): Promise<void> => {
    file ??= await openFile(dirname(path), basename(path))
    try {
      // A line that an earlier failure has left torn ends here, and is no line for whoever reads.
      await file.append(Buffer.from(`${torn ? '\n' : ''}${lines.join('\n')}\n`))
      torn = false
    } catch (error) {
      torn = true
      await close()
      throw error
    }
  }
  const close = async (): Promise<void> => {
    const open = file
    file = undefined
    await open?.close().catch(() => undefined)
  }
  let torn = true
  return {
    kind,
    note: async (statements, signal) => write((await linesOf?.(statements, signal)) ?? statements.map(lineOf)),
    close,
  }
}
