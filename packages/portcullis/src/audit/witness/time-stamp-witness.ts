/** A witness that is a time stamping authority (RFC 3161): its tokens, each checked when it comes, are kept in a file. */
import { createHash } from 'node:crypto'
import type { OpenAppendFile } from '../append-file.ts'
import type { SignedStatement } from '../checkpoint.ts'
import { fileWitness } from './file-witness.ts'
import { lineOf, type WitnessLine } from './statement.ts'
import type { Witness } from './witness.ts'

/** Gets a time stamp over a SHA-256 and checks it. Rejects when there is none that can be believed. */
export type Stamp = (imprint: Buffer) => Promise<Buffer>

export interface TimeStampWitnessOptions {
  readonly stamp: Stamp
  /** Where the tokens are kept. */
  readonly path: string
  readonly openFile: OpenAppendFile
}

export function timeStampWitness({ stamp, path, openFile }: TimeStampWitnessOptions): Witness {
  const linesOf = async (statements: readonly SignedStatement[]): Promise<readonly string[]> => {
    const lines: string[] = []
    for (const statement of statements) {
      const token = await stamp(imprintOf(statement))
      lines.push(JSON.stringify({ ...JSON.parse(lineOf(statement)), timestamp: token.toString('base64') }))
    }
    return lines
  }
  return fileWitness({ path, openFile, linesOf }, 'timestamp')
}

/** What is stamped: SHA-256 over the line without its time stamp. */
export const imprintOf = (line: WitnessLine | SignedStatement): Buffer =>
  createHash('sha256').update(lineOf(line)).digest()
