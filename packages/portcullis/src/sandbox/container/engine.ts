/** How the command line of a container engine is called: where it is found, with which environment, and for how long. */
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { Fault } from '../../core/fault.ts'
import { startChild } from '../child.ts'
import { DescriptorTable } from '../descriptors.ts'

export type EngineName = 'docker' | 'podman'

export interface Engine {
  readonly name: EngineName
  /** The program with what comes before each of its commands. */
  readonly argv: readonly string[]
  /** Of the command line itself; nothing of the configuration is in it. */
  readonly environment: Readonly<Record<string, string>>
}

export interface Answer {
  readonly code: number | null
  readonly stdout: string
  /** What standard error calls the error, for the audit record and for operators. */
  readonly problem: string
}

/** Creating the first container of an image takes a second or two on a slow disk. */
const ASK_MS = 60_000
const MAX_ANSWER_BYTES = 1 << 20
/** Podman looks for its own tools here; none of them can be replaced by an upstream. */
const TOOL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The engine, with the OCI runtime that is asked for. Throws `sandbox.unavailable` when its program is not there;
 * whether it works shows in what it answers.
 */
export function findEngine(
  name: EngineName,
  runtime: string | undefined,
  find: (tool: string) => string | undefined,
): Engine {
  const program = find(name)
  if (program === undefined) {
    throw new Fault('sandbox.unavailable', { driver: 'container', reason: `${name} was not found` })
  }
  const chosen = name === 'podman' && runtime !== undefined ? ['--runtime', runtime] : []
  return { name, argv: [program, ...chosen], environment: environmentOf(name, userInfo()) }
}

/** Asks and waits for the end. Descriptors of `table` are lent to the command line. Throws only when it cannot be started. */
export async function ask(
  engine: Engine,
  args: readonly string[],
  table: DescriptorTable = new DescriptorTable(),
): Promise<Answer> {
  const child = await startChild([...engine.argv, ...args], { environment: engine.environment, cwd: '/', table })
  child.stdin.end()
  const late = setTimeout(() => child.process.kill('SIGKILL'), ASK_MS)
  const [stdout, stderr, code] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    new Promise<number | null>((resolve) => child.process.once('close', resolve)),
  ])
  clearTimeout(late)
  return { code, stdout: stdout.trim(), problem: problemIn(stderr) || `${engine.name} ended with status ${code}` }
}

/** Throws `sandbox.start_failed` with the engine's own words when it does not end with success. */
export async function demand(engine: Engine, args: readonly string[], table?: DescriptorTable): Promise<string> {
  const { code, stdout, problem } = await ask(engine, args, table)
  if (code !== 0) throw new Fault('sandbox.start_failed', { engine: engine.name, reason: problem })
  return stdout
}

/** Takes the container away, whatever it does at the moment. True when it is gone. */
export async function remove(engine: Engine, container: string): Promise<boolean> {
  const { code, problem } = await ask(engine, [...removal(engine), container])
  return code === 0 || /no such container/i.test(problem)
}

/** Podman would ask politely for ten seconds first. `--volumes`: an image may declare nameless ones. */
export const removal = ({ name }: Engine): readonly string[] =>
  name === 'podman' ? ['rm', '--force', '--volumes', '--time', '0'] : ['rm', '--force', '--volumes']

const PREFIX = /^(?:Error response from daemon|Error|docker): /i

interface Account {
  readonly uid: number
  readonly homedir: string
}

/** Engines without root keep their state in the home and their socket in the run-time directory of the user. */
function environmentOf(name: EngineName, { uid, homedir }: Account): Readonly<Record<string, string>> {
  const runtimeDirectory = `/run/user/${uid}`
  const hasDirectory = uid > 0 && existsSync(runtimeDirectory)
  const socket = `${runtimeDirectory}/docker.sock`
  return {
    PATH: TOOL_PATH,
    HOME: homedir,
    ...(hasDirectory && { XDG_RUNTIME_DIR: runtimeDirectory }),
    ...(name === 'docker' && hasDirectory && existsSync(socket) && { DOCKER_HOST: `unix://${socket}` }),
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= MAX_ANSWER_BYTES) parts.push(chunk)
  })
  return new Promise((resolve) => stream.once('close', () => resolve(Buffer.concat(parts).toString('utf8'))))
}

/** The line that an engine calls its error, or the last one. */
function problemIn(text: string): string {
  const lines = text.trim().split('\n')
  const line = lines.find((each) => PREFIX.test(each)) ?? lines.at(-1) ?? ''
  return line.replace(PREFIX, '').trim()
}
