/** Looks for what `audit.witness` refers to, and for promises of `audit` that exclude each other. */
import { dirname } from 'node:path'
import type { Environment } from './environment.ts'
import { type Finding, readable, secretProblem } from './finding.ts'
import type { Config, WitnessConfig } from './schema.ts'

export function checkAudit({ audit }: Config, environment: Environment): readonly Finding[] {
  const { receipts, durability, checkpointEverySeconds, witness } = audit
  const found: Finding[] = []
  if (receipts !== 'off' && durability === 'eventual') {
    const wrong = 'a receipt for a record that a crash can lose is none'
    found.push({ path: ['audit', 'receipts'], wrong, right: 'use durability: before-answer, or leave receipts out' })
  }
  for (const [name, one] of Object.entries(witness)) {
    const base = ['audit', 'witness', name]
    found.push(...checkPlaces(one, base, environment))
    if (!one.required || one.maxLagSeconds > checkpointEverySeconds) continue
    const wrong = `a checkpoint comes only every ${checkpointEverySeconds} seconds, so it would always lack more`
    found.push({ path: [...base, 'maxLagSeconds'], wrong, right: 'allow more, or sign more often' })
  }
  return found
}

function checkPlaces(
  { file, git, https, timestamp }: WitnessConfig,
  base: readonly PropertyKey[],
  environment: Environment,
): readonly Finding[] {
  const ca = https?.ca ?? timestamp?.ca
  return [
    ...(file ? readable(dirname(file.path), [...base, 'file', 'path'], 'folder') : []),
    ...(git ? readable(git.repository, [...base, 'git', 'repository'], 'folder') : []),
    ...(timestamp ? readable(dirname(timestamp.path), [...base, 'timestamp', 'path'], 'folder') : []),
    ...(timestamp ? readable(timestamp.authorities, [...base, 'timestamp', 'authorities'], 'file') : []),
    ...(ca === undefined ? [] : readable(ca, [...base, https ? 'https' : 'timestamp', 'ca'], 'file')),
    ...Object.entries(https?.headers ?? {}).flatMap(([header, source]) =>
      secretProblem(source, [...base, 'https', 'headers', header], environment),
    ),
  ]
}
