/** What of the host's own system is shown inside: programs and libraries, and the few files of /etc that they read. */
import { existsSync, lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import type { Mask } from './bind.ts'

export interface RootLayout {
  /** Directories and files to show read-only under the same path. */
  readonly shown: readonly string[]
  /** Small files to make again: that takes less time at each start than to show them. */
  readonly copied: ReadonlyArray<{ readonly path: string; readonly content: Buffer }>
  /** Symbolic links to make again, such as `/bin` → `usr/bin`. */
  readonly links: ReadonlyArray<{ readonly path: string; readonly target: string }>
  /** What in /proc tells about the kernel and the host, to be hidden. */
  readonly masked: readonly Mask[]
}

const PROGRAMS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']

/** Certificates, the loader's cache, time zones and tables of names: nothing that tells one host from another. */
const SETTINGS = [
  '/etc/ssl/certs',
  '/etc/ca-certificates/extracted',
  '/etc/pki/tls/certs',
  '/etc/pki/ca-trust/extracted',
  '/etc/ld.so.cache',
  '/etc/alternatives',
  '/etc/localtime',
  '/etc/mime.types',
  '/etc/protocols',
  '/etc/services',
]

const KERNEL_FACTS = [
  '/proc/cmdline',
  '/proc/config.gz',
  '/proc/kallsyms',
  '/proc/kcore',
  '/proc/key-users',
  '/proc/keys',
  '/proc/kmsg',
  '/proc/modules',
  '/proc/pressure',
  '/proc/sched_debug',
  '/proc/sysrq-trigger',
  '/proc/timer_list',
]

/** Each sandbox holds the copies in memory, a few pages. */
const MAX_COPY_BYTES = 16 * 1024

/** Looks at the host once. */
export function readRootLayout(): RootLayout {
  const present = PROGRAMS.filter((path) => existsSync(path))
  const links = present.filter((path) => lstatSync(path).isSymbolicLink())
  const settings = SETTINGS.filter((path) => existsSync(path))
  const small = settings.filter(isSmallFile)
  return {
    shown: [
      ...['/usr', ...present.filter((path) => !links.includes(path))],
      ...settings.filter((path) => !small.includes(path)),
    ],
    copied: small.map((path) => ({ path, content: readFileSync(path) })),
    links: links.map((path) => ({ path, target: readlinkSync(path) })),
    masked: KERNEL_FACTS.filter((path) => existsSync(path)).map((path) => ({
      path,
      kind: statSync(path).isDirectory() ? 'directory' : 'file',
    })),
  }
}

/** Without those that nobody but root could open: no process of a sandbox is root to the host. */
export const openToOthers = (masks: readonly Mask[]): readonly Mask[] =>
  masks.filter(({ path }) => (statSync(path).mode & 0o077) !== 0)

function isSmallFile(path: string): boolean {
  const status = statSync(path)
  return status.isFile() && status.size <= MAX_COPY_BYTES
}
