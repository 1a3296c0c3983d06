/** The walls, as arguments of bwrap(1): what exists inside, and what the process may not do to it. */
import type { Mask, PinnedPath } from './bind.ts'
import { HOME } from './environment.ts'
import type { RootLayout } from './root.ts'

export interface ProfileInput {
  readonly layout: RootLayout
  readonly environment: ReadonlyMap<string, string>
  readonly binds: readonly ProfileBind[]
  /** Paths inside the binds that must not be seen. */
  readonly masks: readonly Mask[]
  readonly cwd: string
  readonly tmpBytes: number
  readonly descriptors: ProfileDescriptors
  /** Puts a small read-only file inside; returns the descriptor that its content is read from. */
  readonly file: (content: string) => number
}

export interface ProfileBind extends Pick<PinnedPath, 'destination' | 'access'> {
  /** A descriptor as the child sees it, or a path that only the child can see. */
  readonly from: number | string
}

/** Numbers as the child sees them. */
export interface ProfileDescriptors {
  readonly status: number
  readonly block: number
  readonly filter: number
}

/** The account inside; it owns nothing but the private file systems and what is bound read-write. */
const ACCOUNT = 1000
const SHARED_MEMORY_BYTES = 16 << 20

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
    ...namespaces(),
    ...control(input.descriptors),
    ...system(input),
    ...kernelFiles(input.layout),
    ...privateFiles(input.tmpBytes),
    ...sharedFiles(input),
    ...['--remount-ro', '/', '--chdir', input.cwd],
    ...['--clearenv', ...[...input.environment].flatMap(([name, value]) => ['--setenv', name, value])],
  ]
}

function namespaces(): readonly string[] {
  return [
    '--unshare-user',
    '--unshare-pid',
    '--unshare-net',
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

/** `--block-fd` holds the command back until its limits are in force. */
function control(descriptors: ProfileDescriptors): readonly string[] {
  return [
    ...['--json-status-fd', `${descriptors.status}`],
    ...['--block-fd', `${descriptors.block}`],
    ...['--seccomp', `${descriptors.filter}`],
  ]
}

function system({ layout, file }: ProfileInput): readonly string[] {
  return [
    ...layout.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...['--perms', '0755', '--dir', '/etc'],
    ...layout.shown.flatMap((path) => ['--ro-bind', path, path]),
    ...Object.entries(GENERATED).flatMap(([path, content]) => [
      ...['--perms', '0444', '--ro-bind-data', `${file(content)}`, path],
    ]),
  ]
}

function kernelFiles(layout: RootLayout): readonly string[] {
  return [
    ...['--proc', '/proc'],
    ...['--ro-bind', '/proc/sys', '/proc/sys'], // core_pattern alone would be root on the host
    ...layout.masked.flatMap((path) => ['--ro-bind', '/dev/null', path]),
    ...['--dev', '/dev'],
    ...['--perms', '1777', '--size', `${SHARED_MEMORY_BYTES}`, '--tmpfs', '/dev/shm'],
    ...['--remount-ro', '/dev'], // a tmpfs of half of the memory otherwise
  ]
}

function privateFiles(tmpBytes: number): readonly string[] {
  return [
    ...['--perms', '1777', '--size', `${tmpBytes}`, '--tmpfs', '/tmp'],
    ...['--perms', '0700', '--size', `${tmpBytes}`, '--tmpfs', HOME],
  ]
}

/** Shorter destinations first, so that a writable directory inside a read-only one stays writable. */
function sharedFiles({ binds, masks }: ProfileInput): readonly string[] {
  const ordered = [...binds].sort((left, right) => left.destination.length - right.destination.length)
  return [
    ...ordered.flatMap((bind) => [bindOption(bind), `${bind.from}`, bind.destination]),
    ...masks.flatMap(({ path, kind }) =>
      kind === 'file' ? ['--ro-bind', '/dev/null', path] : ['--perms', '0000', '--size', '4096', '--tmpfs', path],
    ),
  ]
}

function bindOption({ from, access }: ProfileBind): string {
  const option = access === 'read-only' ? '--ro-bind' : '--bind'
  return typeof from === 'number' ? `${option}-fd` : option
}
