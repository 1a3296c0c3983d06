/** A mistake in what the configuration refers to, and the two questions that lead to most of them. */
import { accessSync, constants, statSync } from 'node:fs'
import type { Environment } from './environment.ts'
import type { SecretSource } from './schema.ts'
import { readSecret, SecretError } from './secret-source.ts'

/** A mistake at `path`, to be placed by the caller. */
export interface Finding {
  readonly path: readonly PropertyKey[]
  readonly wrong: string
  readonly right: string
}

export function readable(
  file: string,
  path: readonly PropertyKey[],
  kind: 'file' | 'folder' | 'any',
): readonly Finding[] {
  try {
    accessSync(file, constants.R_OK)
    const facts = statSync(file)
    if (kind === 'any' || (kind === 'file' ? facts.isFile() : facts.isDirectory())) return []
    return [{ path, wrong: `${file} is not a ${kind}`, right: `name a ${kind}` }]
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT'
    return [
      { path, wrong: `${file} ${missing ? 'does not exist' : 'cannot be read'}`, right: 'name one that can be read' },
    ]
  }
}

export function secretProblem(
  source: SecretSource,
  path: readonly PropertyKey[],
  environment: Environment,
): readonly Finding[] {
  return attempt(path, () => readSecret(source, environment))
}

export function attempt(path: readonly PropertyKey[], read: () => unknown): readonly Finding[] {
  try {
    read()
    return []
  } catch (thrown) {
    if (thrown instanceof SecretError) return [{ path, wrong: thrown.wrong, right: thrown.right }]
    throw thrown
  }
}
