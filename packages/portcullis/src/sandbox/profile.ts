/** The walls, as arguments of bwrap(1): what exists inside, and what the process may not do to it. */
import type { Mask, PinnedPath } from './bind.ts'
import { type PrivatePlaces, SHARED_MEMORY_BYTES } from './cell.ts'
import { HOME } from './environment.ts'
import type { RootLayout } from './root.ts'

export interface ProfileInput {
  readonly layout: RootLayout
  readonly environment: ReadonlyMap<string, string>
  readonly binds: readonly ProfileBind[]
  /** Paths inside the binds that must not be seen. */
  readonly masks: readonly Mask[]
  readonly cwd: string
  /** Private file systems that were mounted before; undefined: they are made here, of `tmpBytes` each. */
  readonly places: PrivatePlaces | undefined
  readonly tmpBytes: number
  readonly descriptors: ProfileDescriptors
  /** Undefined: a new network namespace without a way out. Otherwise the process is started in one that was made for it. */
  readonly network?: { readonly files: Readonly<Record<string, string>> } | undefined
  /** Puts a small read-only file inside; returns the descriptor that its content is read from. */
  readonly file: (content: string) => number
  /** The same for a content that every sandbox has. */
  readonly constant: (content: string | Buffer) => number
}

export interface ProfileBind extends Pick<PinnedPath, 'destination' | 'access'> {
  /** A descriptor as the child sees it, or a path that only the child can see. */
  readonly from: number | string
}

/** Numbers as the child sees them. */
export interface ProfileDescriptors {
  readonly status: number
  readonly filter: number
}

/** The account inside; it owns nothing but the private file systems and what is bound read-write. */
const ACCOUNT = 1000

/** Files that C libraries expect. None of them tells anything about the host. */
const GENERATED: Readonly<Record<string, string>> = {
  '/etc/passwd': `sandbox:x:${ACCOUNT}:${ACCOUNT}::${HOME}:/bin/sh\n`,
  '/etc/group': `sandbox:x:${ACCOUNT}:\n`,
  '/etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  '/etc/resolv.conf': '# There is no network here.\n',
  '/etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
}

/** The order matters: mounts stack, and the root can only be made read-only when every mount point exists. */
export function buildProfile(input: ProfileInput): readonly string[] {
  return [
    ...namespaces(input.network === undefined),
    ...control(input.descriptors),
    ...system(input),
    ...kernelFiles(input),
    ...privateFiles(input),
    ...sharedFiles(input),
    ...['--remount-ro', '/', '--chdir', input.cwd],
    ...['--clearenv', ...[...input.environment].flatMap(([name, value]) => ['--setenv', name, value])],
  ]
}

function namespaces(ownNetwork: boolean): readonly string[] {
  return [
    '--unshare-user',
    '--unshare-pid',
    ...(ownNetwork ? ['--unshare-net'] : []),
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-cgroup-try', // absent from old kernels; it hides names, it holds no limit
    '--disable-userns', // a user namespace of one's own gives back capabilities to attack the kernel with
    ...['--uid', `${ACCOUNT}`, '--gid', `${ACCOUNT}`],
    ...['--hostname', 'sandbox'],
    '--new-session', // no controlling terminal to type into
    '--die-with-parent',
    ...['--cap-drop', 'ALL'],
  ]
}

function control(descriptors: ProfileDescriptors): readonly string[] {
  return [...['--json-status-fd', `${descriptors.status}`], ...['--seccomp', `${descriptors.filter}`]]
}

function system({ layout, network, file, constant }: ProfileInput): readonly string[] {
  const own = Object.entries(network?.files ?? {}).map(([path, content]) => [path, file(content)] as const)
  const same = [...Object.entries(GENERATED), ...layout.copied.map(({ path, content }) => [path, content] as const)]
  const others = same.filter(([path]) => network?.files[path] === undefined)
  return [
    ...layout.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...['--perms', '0755', '--dir', '/etc'],
    ...layout.shown.flatMap((path) => ['--ro-bind', path, path]),
    ...[...others.map(([path, content]) => [path, constant(content)] as const), ...own].flatMap(([path, from]) => [
      ...['--perms', '0444', '--file', `${from}`, path], // read-only with the root
    ]),
  ]
}

/**
 * Process 1 is bwrap, and it has the account of the command: by its files in /proc the command could read its
 * environment and write its memory, which no system call filter sees. Nothing needs them.
 */
const PROCESS_ONE = '/proc/1'

function kernelFiles({ layout, places }: ProfileInput): readonly string[] {
  return [
    ...['--proc', '/proc'],
    ...['--ro-bind', '/proc/sys', '/proc/sys'], // core_pattern alone would be root on the host
    ...layout.masked.flatMap(({ path, kind }) =>
      kind === 'file' ? ['--ro-bind', '/dev/null', path] : emptyDirectory(path, '0555'),
    ),
    ...emptyDirectory(PROCESS_ONE, '0555'),
    ...['--dev', '/dev'],
    ...(places
      ? ['--bind', places.sharedMemory, '/dev/shm']
      : privateDirectory('/dev/shm', '1777', SHARED_MEMORY_BYTES)),
    ...['--remount-ro', '/dev'], // a tmpfs of half of the memory otherwise
  ]
}

function privateFiles({ places, tmpBytes }: ProfileInput): readonly string[] {
  if (places !== undefined) return ['--bind', places.tmp, '/tmp', '--bind', places.home, HOME]
  return [...privateDirectory('/tmp', '1777', tmpBytes), ...privateDirectory(HOME, '0700', tmpBytes)]
}

function privateDirectory(path: string, mode: string, bytes: number): readonly string[] {
  return ['--perms', mode, '--size', `${bytes}`, '--tmpfs', path]
}

/** Read-only, because its owner could give himself the right to fill it. */
function emptyDirectory(path: string, mode: string): readonly string[] {
  return [...privateDirectory(path, mode, 4096), '--remount-ro', path]
}

/** Shorter destinations first, so that a writable directory inside a read-only one stays writable. */
function sharedFiles({ binds, masks }: ProfileInput): readonly string[] {
  const ordered = [...binds].sort((left, right) => left.destination.length - right.destination.length)
  return [
    ...ordered.flatMap((bind) => [bindOption(bind), `${bind.from}`, bind.destination]),
    ...masks.flatMap(({ path, kind }) =>
      kind === 'file' ? ['--ro-bind', '/dev/null', path] : emptyDirectory(path, '0000'),
    ),
  ]
}

function bindOption({ from, access }: ProfileBind): string {
  const option = access === 'read-only' ? '--ro-bind' : '--bind'
  return typeof from === 'number' ? `${option}-fd` : option
}
