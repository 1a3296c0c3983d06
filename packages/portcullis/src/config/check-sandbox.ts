/** Looks for what the walls of an upstream refer to, and keeps the gateway's own data out of them. */
import { accessSync, constants, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DEFAULT_SEARCH_PATH } from '../core/search-path.ts'
import type { Environment } from './environment.ts'
import { type Finding, readable, secretProblem } from './finding.ts'
import { isWithin, ownPaths, realPath, trustedFiles } from './own-paths.ts'
import type { Config, SandboxConfig } from './schema.ts'

/** `base` is where the sandbox stands in the configuration, whose paths are absolute. */
export function checkSandbox(
  config: Config,
  configFile: string,
  sandbox: SandboxConfig,
  base: readonly PropertyKey[],
  environment: Environment,
): readonly Finding[] {
  const own = ownPaths(config, configFile).map(realPath)
  const kept = [...own, ...trustedFiles(config).map(realPath)]
  const rules = sandbox.network?.allow ?? []
  return [
    ...sandbox.read.flatMap((path, index) => {
      const at = [...base, 'read', index]
      return [...readable(path, at, 'any'), ...liesInOwn(path, own, at)]
    }),
    ...sandbox.write.flatMap((path, index) => {
      const at = [...base, 'write', index]
      return [...readable(path, at, 'any'), ...(holdsOwn(path, kept, at) ?? holdsPolicies(config, path, at))]
    }),
    ...rules.flatMap(({ credential }, index) => {
      const at = [...base, 'network', 'allow', index, 'credential', 'value']
      return credential === undefined ? [] : secretProblem(credential.value, at, environment)
    }),
  ]
}

/** A program that is not there would only be missed by its first caller. In a container the image decides. */
export function checkProgram(
  command: string,
  sandbox: SandboxConfig,
  path: readonly PropertyKey[],
): readonly Finding[] {
  if (sandbox.driver === 'container') return []
  const bare = !command.includes('/')
  const candidates = bare ? DEFAULT_SEARCH_PATH.map((folder) => join(folder, command)) : [command]
  if (candidates.some(isProgram)) return []
  const wrong = bare
    ? `there is no program ${command} in ${DEFAULT_SEARCH_PATH.join(', ')}`
    : `${command} is no program`
  return [{ path, wrong, right: bare ? 'install it, or give its path' : 'name a file that can be run' }]
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** What a program may change it may replace: a key, a record, the rules that it lives under. */
function holdsOwn(path: string, own: readonly string[], at: readonly PropertyKey[]): readonly Finding[] | undefined {
  const real = realPath(path)
  const held = own.find((each) => isWithin(each, real))
  if (held === undefined) return liesInOwn(path, own, at).length > 0 ? liesInOwn(path, own, at) : undefined
  return [{ path: at, wrong: `${path} holds ${held}, which belongs to the gateway`, right: 'list folders without it' }]
}

function liesInOwn(path: string, own: readonly string[], at: readonly PropertyKey[]): readonly Finding[] {
  const real = realPath(path)
  const holder = own.find((each) => isWithin(real, each))
  if (holder === undefined) return []
  return [
    { path: at, wrong: `${path} is in ${holder}, which belongs to the gateway`, right: 'list folders outside of it' },
  ]
}

/** A program that could add a policy would decide for itself what it may do. */
function holdsPolicies({ policy }: Config, folder: string, path: readonly PropertyKey[]): readonly Finding[] {
  const real = realPath(folder)
  const isReached = policy.files.some((pattern) => {
    const fixed = realPath(fixedPart(pattern))
    return isWithin(fixed, real) || (fixedPart(pattern) !== dirname(pattern) && isWithin(real, fixed))
  })
  return isReached ? [{ path, wrong: `${folder} holds the policies`, right: 'list folders without them' }] : []
}

/** The folder of a pattern up to its first wildcard. */
function fixedPart(pattern: string): string {
  const parts = dirname(pattern).split('/')
  const wild = parts.findIndex((part) => /[*?[\]{}!+@()]/.test(part))
  return (wild < 0 ? parts : parts.slice(0, wild)).join('/') || '/'
}
