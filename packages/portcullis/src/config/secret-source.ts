/** Reads a secret from where the configuration says it is. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { Secret } from '../core/secret.ts'
import type { Environment } from './environment.ts'
import type { SecretSource } from './schema.ts'

const MAX_BYTES = 65_536
/** Any bit for group or others: somebody else on this machine could read it. */
const OTHERS = 0o077

/** `wrong` and `right` are safe to print: they name the place, never the content. */
export class SecretError extends Error {
  override readonly name = 'SecretError'
  readonly wrong: string
  readonly right: string

  constructor(wrong: string, right: string) {
    super(`${wrong}; ${right}`)
    this.wrong = wrong
    this.right = right
  }
}

/** Paths are absolute. Trailing line ends of files are cut. Throws SecretError. */
export function readSecret(source: SecretSource, environment: Environment): Secret {
  if (source.env !== undefined) {
    const value = environment[source.env]
    if (value === undefined || value === '') {
      throw new SecretError(`the environment variable ${source.env} is not set`, 'set it, or use { file: path }')
    }
    return new Secret(value)
  }
  if (source.file === undefined) throw new SecretError('no source is named', 'use { env: NAME } or { file: path }')
  return new Secret(
    readPrivateFile(source.file)
      .toString('utf8')
      .replace(/[\r\n]+$/, ''),
  )
}

/** Reads a file that only its owner may read. Checks the opened file, so that it cannot be swapped in between. Throws SecretError. */
export function readPrivateFile(file: string): Buffer {
  const descriptor = openPrivate(file)
  try {
    const facts = fstatSync(descriptor)
    if (!facts.isFile()) throw new SecretError(`${file} is not a file`, 'name a regular file')
    if ((facts.mode & OTHERS) !== 0) {
      throw new SecretError(`${file} can be read or changed by others`, `run: chmod 600 ${file}`)
    }
    if (facts.size > MAX_BYTES) throw new SecretError(`${file} is larger than ${MAX_BYTES} bytes`, 'a secret is small')
    if (facts.size === 0) throw new SecretError(`${file} is empty`, 'put the secret into it')
    return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function openPrivate(file: string): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code
    if (code === 'ENOENT') throw new SecretError(`${file} does not exist`, 'create it with mode 0600')
    throw new SecretError(`${file} cannot be read (${code ?? 'unknown'})`, 'let the user of the gateway own it')
  }
}
