/**
 * The walls of macOS, in the language of sandbox-exec(1): everything is denied, then a little is allowed, and of the rules
 * that match the last one decides.
 *
 * The kernel compares the real path of what is opened, so links inside a shown folder lead nowhere else.
 */
import { Fault } from '../../core/fault.ts'

export interface ProfileInput {
  /** Real paths of programs that lie outside of the system's own trees, and of what they need. */
  readonly runtime: readonly string[]
  readonly readOnly: readonly ShownPath[]
  readonly readWrite: readonly ShownPath[]
  /** Real paths of the gateway itself. */
  readonly hidden: readonly ShownPath[]
  /** Of the gateway's proxy on loopback; undefined: no network at all. */
  readonly proxyPort: number | undefined
}

export interface ShownPath {
  /** Real, absolute, without a slash at the end. */
  readonly path: string
  readonly kind: 'folder' | 'file'
}

/** Programs and libraries. Nothing in them tells one machine from another. */
const SYSTEM = [
  '/bin',
  '/sbin',
  '/usr/bin',
  '/usr/lib',
  '/usr/libexec',
  '/usr/sbin',
  '/usr/share',
  '/System/Library',
  '/System/Volumes/Preboot/Cryptexes',
  '/Library/Apple',
  '/private/etc/ssl',
  '/private/var/db/dyld',
  '/private/var/db/timezone',
]
/** What lies in them starts other programs outside of the sandbox, or speaks to those that do. */
const NOT_STARTED = ['/usr/bin/open', '/usr/bin/osascript', '/bin/launchctl', '/usr/bin/security', '/usr/bin/automator']
const SYSTEM_FILES = ['/private/etc/localtime', '/private/etc/protocols', '/private/etc/services']
const DEVICES = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom']
/** Facts that language runtimes ask for when they start. */
const KERNEL_FACTS = ['hw.', 'machdep.cpu.']
const KERNEL_FACT = [
  'kern.argmax',
  'kern.maxfilesperproc',
  'kern.osproductversion',
  'kern.osrelease',
  'kern.ostype',
  'kern.osvariant_status',
  'kern.osversion',
  'kern.usrstack64',
  'kern.version',
  'vm.loadavg',
]

/** Throws `sandbox.start_failed` for a path that cannot be written down. */
export function buildSeatbeltProfile(input: ProfileInput): string {
  const { readOnly, readWrite } = input
  const runtime = input.runtime.map((path) => `(subpath ${quoted(path)})`)
  const shown = [...readOnly, ...readWrite]
  return [
    '(version 1)',
    '(deny default)',
    rule('allow', ['process-fork']),
    rule('allow', ['signal', 'process-info*'], ['(target same-sandbox)']),
    rule(
      'allow',
      ['process-exec', 'file-map-executable'],
      [...SYSTEM.map(subpath), ...runtime, ...shown.map(filterOf)],
    ),
    rule('deny', ['process-exec'], NOT_STARTED.map(literal)),
    rule(
      'allow',
      ['file-read*'],
      [...SYSTEM.map(subpath), ...[...SYSTEM_FILES, ...DEVICES, '/'].map(literal), ...runtime],
    ),
    rule('allow', ['file-write-data'], DEVICES.map(literal)),
    rule('allow', ['file-read-metadata'], ancestors([...input.runtime, ...shown.map(({ path }) => path)]).map(literal)),
    rule(
      'allow',
      ['sysctl-read'],
      [
        ...KERNEL_FACTS.map((prefix) => `(sysctl-name-prefix ${quoted(prefix)})`),
        ...KERNEL_FACT.map((name) => `(sysctl-name ${quoted(name)})`),
      ],
    ),
    ...files(input),
    ...network(input.proxyPort),
    '',
  ].join('\n')
}

/** A writable folder inside a read-only one stays writable; what belongs to the gateway is denied after everything. */
function files({ readOnly, readWrite, hidden }: ProfileInput): readonly string[] {
  return [
    ...some('allow', ['file-read*'], readOnly),
    ...some('allow', ['file-read*', 'file-write*'], readWrite),
    // A file with set-uid bits would be one for all, and a second name in a writable folder makes any file writable.
    rule('deny', ['file-write-setugid', 'file-link']),
    ...some('deny', ['file-read*', 'file-write*', 'process-exec', 'file-map-executable'], hidden),
  ]
}

/** Other ports of loopback belong to other servers of the host. */
function network(proxyPort: number | undefined): readonly string[] {
  if (proxyPort === undefined) return []
  return [rule('allow', ['network-outbound'], [`(remote ip ${quoted(`localhost:${proxyPort}`)})`])]
}

function some(decision: Decision, operations: readonly string[], paths: readonly ShownPath[]): readonly string[] {
  return paths.length === 0 ? [] : [rule(decision, operations, paths.map(filterOf))]
}

type Decision = 'allow' | 'deny'

const rule = (decision: Decision, operations: readonly string[], filters: readonly string[] = []): string =>
  `(${[decision, ...operations, ...filters].join(' ')})`

const subpath = (path: string) => `(subpath ${quoted(path)})`
const literal = (path: string) => `(literal ${quoted(path)})`
const filterOf = ({ path, kind }: ShownPath) => (kind === 'folder' ? subpath(path) : literal(path))

/** Programs ask what each folder on the way is before they open a path. */
function ancestors(paths: readonly string[]): readonly string[] {
  const all = paths.flatMap((path) => {
    const steps = path.split('/')
    return steps.map((_, index) => steps.slice(0, index + 1).join('/') || '/')
  })
  return ['/private', '/private/var', '/private/tmp', '/var', '/tmp', '/etc', ...new Set(all)]
}

/** A line break would end a rule. */
function quoted(text: string): string {
  if (/\p{Cc}/u.test(text)) {
    throw new Fault('sandbox.start_failed', { path: text, reason: 'a control character in a path' })
  }
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}
