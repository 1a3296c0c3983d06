/** What a command needs to run inside: its real binary, the interpreter of its first line, and their directories. */
import { accessSync, closeSync, constants, openSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { Fault } from '../core/fault.ts'

export interface Runtime {
  /** Real path of the program to execute, and what goes before the configured arguments (a script, its options). */
  readonly program: string
  readonly leading: readonly string[]
  /** Paths outside the system's own trees that must be shown read-only. */
  readonly readOnly: readonly string[]
  /** Directories of these programs, for PATH inside. */
  readonly pathDirectories: readonly string[]
}

export { DEFAULT_SEARCH_PATH } from '../core/search-path.ts'

const SYSTEM_TREES = /^\/(usr|bin|sbin|lib|lib32|lib64|libx32)\//
const FIRST_LINE_BYTES = 256 // BINPRM_BUF_SIZE: the kernel reads no more either

/**
 * Resolves a command as the kernel would, but before anything starts, so that the paths can be shown.
 * Throws `sandbox.start_failed` when there is no such program.
 */
export function resolveRuntime(command: string, searchPath: readonly string[]): Runtime {
  const program = findProgram(command, searchPath)
  const interpreter = readInterpreter(program)
  if (interpreter === undefined) return runtimeOf(program, [])
  const [name = '', ...options] = interpreter
  // One level: the kernel allows an interpreter to be a script, but no language here needs it.
  return runtimeOf(findProgram(name, searchPath), [...options, program])
}

function runtimeOf(program: string, leading: readonly string[]): Runtime {
  const script = leading.at(-1)
  const outside = [program, ...(script === undefined ? [] : [script])].filter((path) => !SYSTEM_TREES.test(path))
  return {
    program,
    leading,
    readOnly: [...outside, ...(outside.includes(program) ? librariesOf(program) : [])],
    pathDirectories: outside.includes(program) ? [dirname(program)] : [],
  }
}

function findProgram(command: string, searchPath: readonly string[]): string {
  if (command.includes('/') && !isAbsolute(command)) refuse(command, 'the command is a relative path')
  const candidates = isAbsolute(command) ? [command] : searchPath.filter(isAbsolute).map((path) => join(path, command))
  const found = command === '' ? undefined : candidates.find(isExecutable)
  return found === undefined ? refuse(command, 'the command was not found') : realpathSync(found)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** `#!/usr/bin/env -S node --flag` gives `['node', '--flag']`; a binary gives undefined. */
function readInterpreter(program: string): readonly string[] | undefined {
  const head = readHead(program)
  if (!head.startsWith('#!')) return undefined
  const [interpreter = '', ...options] = (head.slice(2).split('\n')[0] ?? '').trim().split(/\s+/)
  if (basename(interpreter) !== 'env') return [interpreter, ...options]
  return options[0] === '-S' ? options.slice(1) : options
}

function readHead(program: string): string {
  const bytes = Buffer.alloc(FIRST_LINE_BYTES)
  const descriptor = openSync(program, 'r')
  try {
    return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, FIRST_LINE_BYTES, 0))
  } finally {
    closeSync(descriptor)
  }
}

/** Python keeps its library beside its binary; Node is one file. Nothing more is guessed: a prefix may be a home. */
function librariesOf(program: string): readonly string[] {
  if (!/^python\d/.test(basename(program))) return []
  const directory = join(dirname(dirname(program)), 'lib')
  return readdirSync(directory)
    .filter((name) => /^(python3|libpython3)/.test(name))
    .map((name) => join(directory, name))
}

function refuse(command: string, reason: string): never {
  throw new Fault('sandbox.start_failed', { command, reason })
}
