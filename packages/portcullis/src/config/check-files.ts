/** Looks for what the configuration refers to: secrets, certificates, policies, folders. A reference into nothing is a mistake. */
import { accessSync, constants, globSync, statSync } from 'node:fs'
import type { Environment } from './environment.ts'
import type { Config, SecretSource } from './schema.ts'
import { readPrivateFile, readSecret, SecretError } from './secret-source.ts'

/** A mistake at `path`, to be placed by the caller. */
export interface Finding {
  readonly path: readonly PropertyKey[]
  readonly wrong: string
  readonly right: string
}

/** `config` has absolute paths. Reads secrets only to see that they can be read. */
export function checkFiles(config: Config, environment: Environment): readonly Finding[] {
  return [
    ...checkListener(config),
    ...config.policy.files.flatMap((pattern, index) => checkPolicy(pattern, ['policy', 'files', index])),
    ...Object.keys(config.upstreams).flatMap((name) => checkUpstream(config, name, environment)),
  ]
}

/** The files that the patterns of `policy.files` name, sorted, each once. */
export function policyFiles(config: Config): readonly string[] {
  return [...new Set(config.policy.files.flatMap((pattern) => globSync(pattern)))].toSorted()
}

function checkListener(config: Config): readonly Finding[] {
  const { certificate, key } = config.listen.tls ?? {}
  if (certificate === undefined || key === undefined) return []
  return [
    ...readable(certificate.file, ['listen', 'tls', 'certificate', 'file'], 'file'),
    ...attempt(['listen', 'tls', 'key', 'file'], () => readPrivateFile(key.file)),
  ]
}

function checkPolicy(pattern: string, path: readonly PropertyKey[]): readonly Finding[] {
  if (globSync(pattern).length > 0) return []
  return [{ path, wrong: `no file matches ${pattern}`, right: 'name Cedar policies that exist, or remove it' }]
}

function checkUpstream(config: Config, name: string, environment: Environment): readonly Finding[] {
  const { stdio, http } = config.upstreams[name] ?? {}
  const base = ['upstreams', name]
  const secret = (source: SecretSource, path: readonly PropertyKey[]) =>
    attempt(path, () => readSecret(source, environment))
  if (http !== undefined) {
    const { ca } = http.tls
    const headers = Object.entries(http.headers)
    return [
      ...headers.flatMap(([header, source]) => secret(source, [...base, 'http', 'headers', header])),
      ...(ca === undefined ? [] : readable(ca, [...base, 'http', 'tls', 'ca'], 'file')),
    ]
  }
  if (stdio === undefined) return []
  const { read, write } = stdio.sandbox
  return [
    ...(stdio.command.includes('/') ? readable(stdio.command, [...base, 'stdio', 'command'], 'file') : []),
    ...(stdio.cwd === undefined ? [] : readable(stdio.cwd, [...base, 'stdio', 'cwd'], 'folder')),
    ...read.flatMap((path, index) => readable(path, [...base, 'stdio', 'sandbox', 'read', index], 'any')),
    ...write.flatMap((path, index) => readable(path, [...base, 'stdio', 'sandbox', 'write', index], 'any')),
    ...Object.entries(stdio.env).flatMap(([variable, value]) =>
      typeof value === 'string' ? [] : secret(value, [...base, 'stdio', 'env', variable]),
    ),
  ]
}

function readable(file: string, path: readonly PropertyKey[], kind: 'file' | 'folder' | 'any'): readonly Finding[] {
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

function attempt(path: readonly PropertyKey[], read: () => unknown): readonly Finding[] {
  try {
    read()
    return []
  } catch (thrown) {
    if (thrown instanceof SecretError) return [{ path, wrong: thrown.wrong, right: thrown.right }]
    throw thrown
  }
}
