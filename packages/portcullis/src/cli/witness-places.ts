/** Decides what `portcullis audit verify` takes for a witness, and reads it: files of lines, and git repositories. */
import { readFileSync, statSync } from 'node:fs'
import { imprintOf } from '../audit/witness/time-stamp-witness.ts'
import { parseWitness, type WitnessLine } from '../audit/witness/statement.ts'
import type { Config } from '../config/schema.ts'
import { CommandError, EXIT } from './exit.ts'

export interface WitnessPlace {
  /** A file, or the folder of a repository. */
  readonly path: string
  readonly branch?: string
}

export interface WitnessSight {
  readonly lines: readonly WitnessLine[]
  /** Lines that say nothing: such as one that a crash has torn. */
  readonly strange: number
  /** Time stamps that were checked. */
  readonly stamped: number
}

const BRANCH = 'portcullis-audit'
const GIT_MS = 60_000

/** Those of the configuration that can be read here: services are asked by whoever runs them. */
export function configuredPlaces({ audit }: Pick<Config, 'audit'>): readonly WitnessPlace[] {
  return Object.values(audit.witness).flatMap(({ file, git, timestamp }): readonly WitnessPlace[] => {
    if (git !== undefined) return [{ path: git.repository, branch: git.branch }]
    const path = file?.path ?? timestamp?.path
    return path === undefined ? [] : [{ path }]
  })
}

/** `authorities`: PEM file of those to whom time stamps have to lead; absent: they are not looked at. Rejects with CommandError. */
export async function readWitnesses(
  places: readonly WitnessPlace[],
  authorities: string | undefined,
): Promise<WitnessSight> {
  const all = await Promise.all(places.map(readPlace))
  const lines = all.flatMap((sight) => sight.lines)
  const stamped = authorities === undefined ? 0 : await checkStamps(lines, authorities)
  return { lines, strange: all.reduce((sum, { strange }) => sum + strange, 0), stamped }
}

async function readPlace({ path, branch = BRANCH }: WitnessPlace) {
  const facts = statSync(path, { throwIfNoEntry: false })
  if (facts === undefined) throw new CommandError(EXIT.unavailable, `There is no witness at ${path}.`)
  if (!facts.isDirectory()) return parseWitness(readFileSync(path, 'utf8'))
  const { gitIn } = await import('../gateway/build-witness.ts')
  const { readGit } = await import('../audit/witness/git-witness.ts')
  try {
    return parseWitness(await readGit(gitIn(path, GIT_MS), branch, AbortSignal.timeout(GIT_MS)))
  } catch (thrown) {
    const wrong = `The branch ${branch} of ${path} cannot be read: ${(thrown as Error).message.split('\n')[0]}`
    throw new CommandError(EXIT.unavailable, wrong)
  }
}

async function checkStamps(lines: readonly WitnessLine[], authorities: string): Promise<number> {
  const { Anchors } = await import('../pki/validation/anchors.ts')
  const { verifyTimeStamp } = await import('../pki/time-stamp.ts')
  const anchors = new Anchors([readFileSync(authorities, 'utf8')])
  let stamped = 0
  for (const line of lines) {
    if (line.timestamp === undefined) continue
    const token = Buffer.from(line.timestamp, 'base64')
    await verifyTimeStamp(token, { imprint: imprintOf(line), anchors }).catch((thrown: Error) => {
      throw new CommandError(
        EXIT.findings,
        `The time stamp of record ${line.sequence} of ${line.tenant}: ${thrown.message}`,
      )
    })
    stamped++
  }
  return stamped
}
