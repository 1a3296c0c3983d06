/** What of the host's own system is shown inside: programs and libraries, and the few files of /etc that they read. */
import { existsSync, lstatSync, readlinkSync } from 'node:fs'

export interface RootLayout {
  /** Directories and files to show read-only under the same path. */
  readonly shown: readonly string[]
  /** Symbolic links to make again, such as `/bin` → `usr/bin`. */
  readonly links: ReadonlyArray<{ readonly path: string; readonly target: string }>
  /** Files of /proc that tell about the kernel and the host, to be hidden. */
  readonly masked: readonly string[]
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
  ...['/proc/pressure/cpu', '/proc/pressure/io', '/proc/pressure/irq', '/proc/pressure/memory'],
  '/proc/sched_debug',
  '/proc/sysrq-trigger',
  '/proc/timer_list',
]

/** Looks at the host once. */
export function readRootLayout(): RootLayout {
  const present = PROGRAMS.filter((path) => existsSync(path))
  const links = present.filter((path) => lstatSync(path).isSymbolicLink())
  return {
    shown: ['/usr', ...present.filter((path) => !links.includes(path)), ...SETTINGS.filter((path) => existsSync(path))],
    links: links.map((path) => ({ path, target: readlinkSync(path) })),
    masked: KERNEL_FACTS.filter((path) => existsSync(path)),
  }
}
