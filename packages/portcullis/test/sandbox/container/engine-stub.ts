/** A stand-in for the command line of docker: it keeps what it was asked and answers as an engine does. It starts nothing. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const IMAGE = `registry.example/files@sha256:${'a'.repeat(64)}`

export interface StubAnswers {
  /** Of `info`. */
  readonly info: object
  readonly volumes: readonly string[]
  readonly imageIsThere: boolean
  /** Changes what `inspect` tells, as a mistaken engine would. */
  readonly lie: object
  /** What `create` says when it refuses. */
  readonly createProblem: string
  /** Names of containers that are there already. */
  readonly containers: readonly string[]
  /** The container never runs: `start` says this and fails. */
  readonly startProblem: string
}

export interface Stub {
  readonly program: string
  /** Each call, as its arguments. */
  calls(): ReadonlyArray<readonly string[]>
  /** What was in the file of variables, and in that of the filter. */
  read(name: 'environment' | 'filter'): string
  set(answers: Partial<StubAnswers>): void
  remove(): void
}

const DEFAULTS: StubAnswers = {
  info: {
    ServerVersion: '28.2.2',
    MemoryLimit: true,
    PidsLimit: true,
    CpuCfsQuota: true,
    SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'],
  },
  volumes: [],
  imageIsThere: true,
  lie: {},
  createProblem: '',
  containers: [],
  startProblem: '',
}

const SCRIPT = `
const { appendFileSync, existsSync, readFileSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const place = (name) => join(dirname(__filename), name)
const args = process.argv.slice(2)
appendFileSync(place('calls'), JSON.stringify(args) + '\\n')
const answers = JSON.parse(readFileSync(place('answers'), 'utf8'))
const fail = (text) => { process.stderr.write(text + '\\n'); process.exit(1) }
const flag = (name) => args.find((each) => each.startsWith('--' + name + '='))?.slice(name.length + 3)
const say = (text) => process.stdout.write(text + '\\n')
switch (args[0]) {
  case 'info': say(JSON.stringify(answers.info)); break
  case 'image':
    if (!answers.imageIsThere) fail('Error response from daemon: No such image: x')
    say(JSON.stringify({ Volumes: Object.fromEntries(answers.volumes.map((path) => [path, {}])) })); break
  case 'ps': say(answers.containers.join('\\n')); break
  case 'create': {
    if (answers.createProblem) fail(answers.createProblem)
    const environment = readFileSync(flag('env-file'), 'utf8')
    writeFileSync(place('environment'), environment)
    const filter = args.find((each) => each.startsWith('--security-opt=seccomp='))
    writeFileSync(place('filter'), readFileSync(filter.slice('--security-opt=seccomp='.length), 'utf8'))
    writeFileSync(place('made'), JSON.stringify({
      State: { Status: 'created', Pid: 0, OOMKilled: false },
      Config: { Env: environment.trim().split('\\n'), User: flag('user') },
      HostConfig: { ReadonlyRootfs: args.includes('--read-only'), Privileged: false, NetworkMode: flag('network'),
        Memory: parseInt(flag('memory')), PidsLimit: Number(flag('pids-limit')), NanoCpus: Number(flag('cpus') ?? 0) * 1e9,
        SecurityOpt: ['no-new-privileges'], CapAdd: null, Devices: [], ...answers.lie },
      Mounts: [], IsQuick: args.at(-1) === '--version',
    }))
    say('0123456789ab'); break
  }
  case 'container':
    if (!existsSync(place('made'))) fail('Error: No such container: x')
    say('[' + readFileSync(place('made'), 'utf8') + ']'); break
  case 'start': {
    if (answers.startProblem) fail(answers.startProblem)
    const become = (status) => {
      const made = JSON.parse(readFileSync(place('made'), 'utf8'))
      writeFileSync(place('made'), JSON.stringify({ ...made, State: { ...made.State, Status: status } }))
    }
    if (JSON.parse(readFileSync(place('made'), 'utf8')).IsQuick) { become('exited'); break }
    become('running')
    process.stdin.on('data', (chunk) => process.stdout.write(chunk)).on('end', () => { become('exited'); process.exit(0) })
    process.stdout.write('up\\n')
  }
}
`

export function makeStub(): Stub {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'portcullis-engine-')))
  const program = join(directory, 'docker.cjs')
  const place = (name: string) => join(directory, name)
  writeFileSync(program, `#!${process.execPath}\n${SCRIPT}`)
  chmodSync(program, 0o755)
  const set = (answers: Partial<StubAnswers>) =>
    writeFileSync(place('answers'), JSON.stringify({ ...DEFAULTS, ...answers }))
  set({})
  const lines = () => (existsSync(place('calls')) ? readFileSync(place('calls'), 'utf8').trim().split('\n') : [])
  return {
    program,
    set,
    calls: () => lines().map((line) => JSON.parse(line) as readonly string[]),
    read: (name) => readFileSync(place(name), 'utf8'),
    remove: () => rmSync(directory, { recursive: true }),
  }
}
