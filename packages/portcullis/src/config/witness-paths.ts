/** What of `audit.witness` no program is given, what none may change, and where a witness gives up a guarantee. */
import type { Config } from './schema.ts'
import type { Weakness } from './weakness.ts'

type Audit = Config['audit']

/** What the gateway alone may know: what is kept of the chains, and secrets. */
export function witnessFiles({ witness }: Audit): readonly string[] {
  const files = Object.values(witness).flatMap(({ file, git, https, timestamp }) => [
    ...[file?.path, git?.repository, timestamp?.path],
    ...Object.values(https?.headers ?? {}).map((source) => source.file),
  ])
  return files.filter((one) => one !== undefined)
}

/** Whom to believe: no secret, but whoever could replace one could stamp what he likes. */
export function witnessAuthorities({ witness }: Audit): readonly string[] {
  const files = Object.values(witness).flatMap(({ https, timestamp }) => [
    ...[https?.ca, timestamp?.ca, timestamp?.authorities],
  ])
  return files.filter((one) => one !== undefined)
}

export function witnessWeaknesses({ audit }: Config): readonly Weakness[] {
  return Object.entries(audit.witness).flatMap(([name, one]): readonly Weakness[] => {
    const at = `audit.witness.${name}`
    const kept = one.file ?? one.git ?? one.timestamp
    const kind = one.file ? 'file' : one.git ? 'git' : 'timestamp'
    const near = 'Whoever loses or changes the chains can do the same to this witness.'
    const plain = 'Programs on this machine can read where the chains stand, and keep it from the witness.'
    return [
      ...(kept?.sameDevice === undefined ? [] : [{ path: `${at}.${kind}.sameDevice`, word: 'allowed', meaning: near }]),
      ...(one.https?.plaintext === undefined
        ? []
        : [{ path: `${at}.https.plaintext`, word: one.https.plaintext, meaning: plain }]),
    ]
  })
}
